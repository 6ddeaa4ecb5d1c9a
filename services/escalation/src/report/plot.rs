//! Plots, only of values that the report prints: points with their interval at 90, 180 and 365 days, no curves (each step of a curve is one
//! child on one date).

use plotters::prelude::*;
use voordeur_outcome_report::{Report, Value, lint::forbidden};

/// Size in pixels; it scales without loss.
const SIZE: (u32, u32) = (760, 420);
const DAYS: [u32; 3] = [90, 180, 365];
const LEVELS: [(&str, &str); 2] =
    [("imminent", "waarschijnlijk binnen 3 maanden"), ("possible", "mogelijk binnen een jaar")];

/// A plot with the name of its file.
#[derive(Debug)]
pub(crate) struct Plot {
    pub(crate) name: String,
    pub(crate) svg: String,
}

/// A point with its interval, in percent.
struct Point {
    day: u32,
    value: f64,
    low: f64,
    high: f64,
}

fn percent(value: &Value) -> Option<f64> {
    match value {
        Value::Percent(percent) => Some(f64::from(*percent)),
        Value::Percent90OrMore => Some(90.0),
        _ => None,
    }
}

/// Every plot that the rules on small cells allow; none when nothing may be shown.
///
/// # Errors
/// When drawing fails.
pub(crate) fn plots(report: &Report) -> Result<Vec<Plot>, String> {
    let mut plots = Vec::new();
    for (level, words) in LEVELS {
        let points: Vec<Point> = DAYS
            .into_iter()
            .filter_map(|day| {
                let cell = report.cell(&format!("escalation/incidence/{level}_{day}/referred"))?;
                let value = percent(cell.value.as_ref().ok()?)?;
                let (low, high) = cell.between.as_ref()?;
                Some(Point { day, value, low: percent(low)?, high: percent(high)? })
            })
            .collect();
        if points.is_empty() {
            continue;
        }
        let svg = described(&draw(&points).map_err(|error| error.to_string())?, report, words, &points);
        if let Some(word) = forbidden(&svg, report.evidence).first() {
            return Err(word.to_string());
        }
        plots.push(Plot { name: format!("verwezen-90-180-365-{level}"), svg });
    }
    Ok(plots)
}

fn draw(points: &[Point]) -> Result<String, DrawingAreaErrorKind<std::convert::Infallible>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let wrong = |error: DrawingAreaErrorKind<std::io::Error>| match error {
            DrawingAreaErrorKind::BackendError(_) => DrawingAreaErrorKind::LayoutError,
            DrawingAreaErrorKind::SharingError => DrawingAreaErrorKind::SharingError,
            DrawingAreaErrorKind::LayoutError => DrawingAreaErrorKind::LayoutError,
        };
        area.fill(&WHITE).map_err(wrong)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(0_u32..400, 0.0..100.0)
            .map_err(wrong)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_desc("dagen na de inschatting")
            .y_desc("verwezen, %")
            .x_labels(9)
            .y_labels(6)
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()
            .map_err(wrong)?;
        let dark = RGBColor(32, 58, 96);
        chart
            .draw_series(points.iter().map(|point| {
                ErrorBar::new_vertical(point.day, point.low, point.value, point.high, dark.filled(), 14)
            }))
            .map_err(wrong)?;
        chart
            .draw_series(points.iter().map(|point| Circle::new((point.day, point.value), 5, dark.filled())))
            .map_err(wrong)?;
        area.present().map_err(wrong)?;
    }
    Ok(svg)
}

/// With a title and a description, so that it can be read aloud.
fn described(svg: &str, report: &Report, words: &str, points: &[Point]) -> String {
    let period = &report.question.period;
    let title = format!("Verwezen binnen een jaar, inschatting {words}");
    let each = points.iter().map(|point| {
        format!("na {} dagen {:.0}% (tussen {:.0}% en {:.0}%)", point.day, point.value, point.low, point.high)
    });
    let text = format!(
        "Inschattingen van {} tot en met {}, wat bekend was op {}, {}. Deel verwezen: {}. De streepjes geven aan waar het echte cijfer \
         waarschijnlijk ligt.",
        period.from(),
        period.until(),
        report.question.known_on,
        report.status.name(),
        each.collect::<Vec<_>>().join("; "),
    );
    let Some((head, rest)) = svg.split_once('>') else { return svg.to_owned() };
    format!(
        "{head} role=\"img\" aria-labelledby=\"titel uitleg\">\n<title id=\"titel\">{title}</title>\n<desc id=\"uitleg\">{text}</desc>{rest}"
    )
}
