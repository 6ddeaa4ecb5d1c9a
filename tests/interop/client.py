"""A client that shares nothing with us but proto/: grpcio, with code that is generated here and now.

It starts a whole installation, hands a signal over as a school, answers it as a professional, and hears the answer as the school.
`cargo xtask test` starts it; by hand: python3 tests/interop/client.py --voordeur target/debug/voordeur
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]
# How long anything may take on a busy machine; nothing waits this long when all is well.
PATIENCE_S = 60

SERVICES = ("intake", "routing", "escalation")
SCHOOL = "organisation:basisschool-de-wilg"
OTHER_SCHOOL = "organisation:kinderopvang-de-wilg"
PROFESSIONAL = "person:noor"


def generate(folder):
    """Writes Python code for every contract and puts it where it can be imported."""
    files = [str(path.relative_to(ROOT / "proto")) for path in sorted((ROOT / "proto" / "voordeur").rglob("*.proto"))]
    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(arguments + files) != 0:
        sys.exit("the contracts cannot be compiled for Python")
    sys.path.insert(0, str(folder))


def eventually(what, look):
    """Looks until there is something, and returns it."""
    end = time.monotonic() + PATIENCE_S
    last = None
    while time.monotonic() < end:
        try:
            found = look()
            if found:
                return found
        except (OSError, ValueError) as error:
            last = error
        time.sleep(0.05)
    sys.exit(f"{what}: not within {PATIENCE_S} s; last: {last}")


@contextlib.contextmanager
def installation(binary, folder):
    """All services in one process, with a broker of their own; the addresses they bound."""
    endpoints = folder / "endpoints.json"
    arguments = [binary, "serve", "all", "--dev", "--data", folder / "data", "--endpoints-file", endpoints]
    arguments += ["--directory", ROOT / "deploy" / "directory" / "demo.toml"]
    # Free ports, so that an installation that runs already is not in the way.
    free = {f"VOORDEUR__{name.upper()}__{kind}": "127.0.0.1:0" for name in SERVICES for kind in ("GRPC", "HTTP")}
    log = folder / "voordeur.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env={**os.environ, **free}
        )

    def alive():
        if process.poll() is not None:
            sys.exit(f"voordeur ended with {process.returncode}:\n{log.read_text(errors='replace')[-4000:]}")

    def bound():
        alive()
        return json.loads(endpoints.read_text())

    def ready(address):
        alive()
        with urllib.request.urlopen(f"http://{address.removeprefix('http://')}/readyz", timeout=5) as reply:
            return reply.status == 200

    try:
        addresses = eventually("the addresses are written", bound)
        for service in SERVICES:
            eventually(f"{service} is ready", lambda name=service: ready(addresses[name]["http"]))
        yield {name: addresses[name]["grpc"].removeprefix("http://") for name in SERVICES}
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0, f"it should end in peace, and ended with {process.returncode}"
    except BaseException:
        print(log.read_text(errors="replace")[-4000:], file=sys.stderr)
        raise
    finally:
        if process.poll() is None:
            # Asked first, so that it ends its broker too.
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Caller:
    """Calls with one identity."""

    def __init__(self, identity):
        self.metadata = (("x-voordeur-dev-identity", identity),)

    def call(self, method, request):
        return method(request, metadata=self.metadata, timeout=PATIENCE_S)

    def watch(self, method, request):
        """Follows a stream in the background; what comes can be waited for."""
        items = queue.Queue()
        stream = method(request, metadata=self.metadata)

        def follow():
            with contextlib.suppress(grpc.RpcError):
                for item in stream:
                    items.put(item)

        threading.Thread(target=follow, daemon=True).start()
        return Watch(stream, items)


class Watch:
    """What a stream brought so far."""

    def __init__(self, stream, items):
        self.stream, self.items = stream, items

    def until(self, what, fits):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                item = self.items.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                sys.exit(f"{what}: did not come within {PATIENCE_S} s")
            if fits(item):
                return item


def refusal(call):
    """The code and the details of a call that must fail."""
    try:
        call()
    except grpc.RpcError as error:
        details = {}
        status = rpc_status.from_call(error)
        for detail in status.details if status else []:
            for kind in (error_details_pb2.BadRequest, error_details_pb2.ErrorInfo):
                message = kind()
                if detail.Unpack(message):
                    details[kind.DESCRIPTOR.name] = message
        return error.code(), details
    sys.exit("a call succeeded that must be refused")


def story(addresses):
    """One signal from the school to the answer; returns what was seen to hold."""
    from voordeur.common.v1 import common_pb2 as common
    from voordeur.escalation.v1 import episode_service_pb2 as episodes
    from voordeur.escalation.v1 import episode_service_pb2_grpc as episodes_grpc
    from voordeur.event.v1 import signal_event_pb2 as signal_event
    from voordeur.event.v1 import task_event_pb2 as task_event
    from voordeur.intake.v1 import details_service_pb2 as details
    from voordeur.intake.v1 import details_service_pb2_grpc as details_grpc
    from voordeur.intake.v1 import signal_intake_service_pb2 as intake
    from voordeur.intake.v1 import signal_intake_service_pb2_grpc as intake_grpc
    from voordeur.routing.v1 import task_service_pb2 as tasks
    from voordeur.routing.v1 import task_service_pb2_grpc as tasks_grpc

    channel = {name: grpc.insecure_channel(address) for name, address in addresses.items()}
    signals = intake_grpc.SignalIntakeServiceStub(channel["intake"])
    vault = details_grpc.DetailsServiceStub(channel["intake"])
    worklist = tasks_grpc.TaskServiceStub(channel["routing"])
    window = episodes_grpc.EpisodeServiceStub(channel["escalation"])
    school, other, noor = Caller(SCHOOL), Caller(OTHER_SCHOOL), Caller(PROFESSIONAL)
    held = []

    def holds(what):
        held.append(what)
        print(f"  {what}")

    def consent(giver):
        return signal_event.SharingConsent(
            giver=giver,
            status=signal_event.CONSENT_STATUS_CONSENTED,
            scopes=[
                signal_event.CONSENT_SCOPE_SHARE_WITH_PROFESSIONAL,
                signal_event.CONSENT_SCOPE_FEEDBACK_TO_SIGNALLER,
            ],
            date=(datetime.date.today() - datetime.timedelta(days=3)).isoformat(),
        )

    def a_signal(text):
        return intake.SubmitSignalRequest(
            client_reference="interop-1",
            centre=intake.CentreReference(key="de-wilg"),
            child=intake.ChildSubject(
                local_number="5001",
                age_band=signal_event.AGE_BAND_UNDER_12,
                group="groep-3",
                display_name="Pim (verzonnen)",
            ),
            domains=[common.CONCERN_DOMAIN_GEDRAG],
            severity=3,
            safety=common.SAFETY_LEVEL_NONE,
            duration=signal_event.CONCERN_DURATION_2_TO_6_WEEKS,
            asked_by=signal_event.ASKED_BY_STAFF,
            certainty=4,
            answer_wanted=True,
            details=intake.SignalDetails(
                text=text,
                signaller=intake.PersonReference(local_id="juf-els", name="Els (verzonnen)", role=common.ROLE_SIGNALLER),
            ),
            permission=intake.SharingPermission(
                processing_basis="toestemming",
                consents=[consent(signal_event.CONSENT_GIVER_PARENT_1), consent(signal_event.CONSENT_GIVER_PARENT_2)],
            ),
        )

    def command(key, seen=0):
        return common.CommandContext(idempotency_key=f"interop-{key}", seen_version=seen)

    watch = school.watch(signals.WatchSignals, intake.WatchSignalsRequest())
    watch.until("the school's watch has caught up", lambda item: item.WhichOneof("item") == "caught_up")

    code, said = refusal(lambda: school.call(signals.SubmitSignal, intake.SubmitSignalRequest(client_reference="interop-0")))
    fields = [violation.field for violation in said["BadRequest"].field_violations]
    assert code == grpc.StatusCode.INVALID_ARGUMENT and len(fields) > 3, (code, fields)
    assert said["ErrorInfo"].domain == "voordeur", said
    holds(f"an empty signal is refused with all its faults at once ({len(fields)})")

    text = "Pim rent weg als het druk wordt in de klas."
    receipt = school.call(signals.SubmitSignal, a_signal(text))
    assert receipt.signal_id.startswith("sig_") and not receipt.already_known and receipt.position.sequence > 0, receipt
    again = school.call(signals.SubmitSignal, a_signal(text))
    assert again.signal_id == receipt.signal_id and again.already_known, again
    code, said = refusal(lambda: school.call(signals.SubmitSignal, a_signal(text + " En nog iets.")))
    assert code == grpc.StatusCode.ALREADY_EXISTS, code
    holds("the same signal again gets the same receipt, and with other content an error")

    by_id = intake.GetSignalRequest(signal_id=receipt.signal_id, at_least=receipt.position)
    code, _ = refusal(lambda: other.call(signals.GetSignal, by_id))
    assert code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED), code
    holds("another organisation does not get to see it")

    work = noor.watch(worklist.WatchTasks, tasks.WatchTasksRequest())
    task = work.until("the professional's stream shows the task", lambda item: item.task.signal_id == receipt.signal_id).task
    watch.until("the school hears that it has become a task", lambda item: item.signal.status == intake.SIGNAL_STATUS_ROUTED)
    holds("it becomes a task on the professional's stream, and the school's stream says so")

    def reveal(task_id):
        return noor.call(vault.RevealDetails, details.RevealDetailsRequest(task_id=task_id))

    if not task.holder:
        code, _ = refusal(lambda: reveal(task.task_id))
        assert code == grpc.StatusCode.PERMISSION_DENIED, code
        accept = tasks.AcceptTaskRequest(task_id=task.task_id, command=command("accept", task.version))
        task = noor.call(worklist.AcceptTask, accept).task
        repeated = noor.call(worklist.AcceptTask, accept).task
        assert repeated.version == task.version, (task, repeated)
    assert task.holder == "noor", task
    revealed = reveal(task.task_id)
    assert revealed.details.text == text and revealed.details.child_name == "Pim (verzonnen)", revealed
    holds("whoever holds the task, and nobody before that, reads what the school wrote")

    contact = tasks.RecordContactRequest(
        task_id=task.task_id,
        command=command("contact", task.version),
        kind=task_event.CONTACT_KIND_IN_PERSON,
        reached=True,
    )
    # `with` is a word of Python, so the field has to be set by name.
    setattr(contact, "with", task_event.CONTACT_WITH_SIGNALLER)
    task = noor.call(worklist.RecordContact, contact).task
    assert task.state == task_event.TASK_STATE_IN_PROGRESS, task
    advice = "Geef Pim vijf minuten voor de bel een vaste plek bij de deur."
    sealed = noor.call(
        vault.SealText,
        details.SealTextRequest(
            task_id=task.task_id, purpose=common.TEXT_PURPOSE_ANSWER, text=advice, idempotency_key="interop-seal"
        ),
    ).sealed
    assert advice.encode() not in sealed.SerializeToString()
    answered = noor.call(
        worklist.AnswerTask,
        tasks.AnswerTaskRequest(
            task_id=task.task_id,
            command=command("answer", task.version),
            outcome=task_event.TASK_OUTCOME_ADVICE,
            status=signal_event.ANSWER_STATUS_ADVICE_GIVEN,
            advice=sealed,
        ),
    )
    assert answered.task.state == task_event.TASK_STATE_COMPLETED, answered
    holds("she makes contact and answers; the text travels sealed")

    heard = watch.until("the school hears the answer", lambda item: item.signal.status == intake.SIGNAL_STATUS_ANSWERED)

    def read_by(asker):
        request = intake.GetSignalRequest(signal_id=receipt.signal_id, asker_local_id=asker, at_least=heard.position)
        return school.call(signals.GetSignal, request)

    assert read_by("juf-els").answer.advice == advice, read_by("juf-els")
    assert read_by("").answer.advice == "" and read_by("").signal.status == intake.SIGNAL_STATUS_ANSWERED, read_by("")
    code, _ = refusal(lambda: read_by("meester-jan"))
    assert code == grpc.StatusCode.PERMISSION_DENIED, code
    holds("whoever asked reads the answer, a colleague who did not ask is refused, the system itself sees only the status")

    thanks = intake.AcknowledgeAnswerRequest(
        signal_id=receipt.signal_id, command=command("thanks"), helped=signal_event.HELPED_YES, certainty_now=8
    )
    assert school.call(signals.AcknowledgeAnswer, thanks).signal.answer_acknowledged
    holds("the school says that it helped")

    def episode_done():
        try:
            episode = noor.call(window.GetEpisode, episodes.GetEpisodeRequest(task_id=task.task_id)).episode
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return None
            raise
        return episode if episode.tasks and episode.tasks[0].HasField("completed_at") else None

    episode = eventually("the episode knows of the completed task", episode_done)
    assert episode.open and episode.HasField("first_contact_at"), episode
    holds("the child's episode is open, with its first contact and its completed task")

    for stream in (watch, work):
        stream.stream.cancel()
    for connection in channel.values():
        connection.close()
    return held


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--voordeur", required=True, help="the program, for instance target/debug/voordeur")
    binary = arguments.parse_args().voordeur
    with tempfile.TemporaryDirectory(prefix="voordeur-interop-") as name:
        folder = pathlib.Path(name)
        code = folder / "generated"
        code.mkdir()
        generate(code)
        with installation(binary, folder) as addresses:
            held = story(addresses)
    print(f"interop: {len(held)} passed, 0 failed")


if __name__ == "__main__":
    main()
