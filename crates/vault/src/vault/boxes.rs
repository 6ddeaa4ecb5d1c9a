//! The box of a sealed text: one format byte, 12 bytes nonce, ciphertext, 16 bytes tag (AES-256-GCM). Inside, the text is preceded by
//! its length and padded to a multiple of 64 bytes, so that the size of a box says little about the text.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, RandomizedNonceKey, UnboundKey};
use voordeur_contracts::common::TextPurpose;
use voordeur_kernel::DataKeyId;
use zeroize::Zeroizing;

use super::VaultError;
use crate::{DataKey, KekError};

const FORMAT: u8 = 1;
const BUCKET: usize = 64;
/// Larger than the largest message of details with every text at its bound.
const TEXT_BYTES_MAX: usize = 128 * 1024;

/// What a box is bound to; it opens nowhere else.
pub(super) fn binding(purpose: TextPurpose, owner: &[u8; 16], key: DataKeyId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(b"voordeur-sealed-1");
    bytes.extend_from_slice(&i32::from(purpose).to_be_bytes());
    bytes.extend_from_slice(owner);
    bytes.extend_from_slice(key.as_bytes());
    bytes
}

pub(super) fn seal(key: &DataKey, binding: &[u8], text: &[u8]) -> Result<Vec<u8>, VaultError> {
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(|_| KekError::Broken)?;
    let mut inside = padded(text)?;
    let nonce =
        cipher.seal_in_place_append_tag(Aad::from(binding), &mut *inside).map_err(|_| KekError::Broken)?;
    Ok(boxed(nonce.as_ref(), &inside))
}

/// Only for a key that seals one text ever.
pub(super) fn seal_with_nonce(
    key: &DataKey,
    nonce: &[u8; 16],
    binding: &[u8],
    text: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| KekError::Broken)?);
    let mut inside = padded(text)?;
    let (nonce, _) = nonce.split_first_chunk::<NONCE_LEN>().ok_or(KekError::Broken)?;
    cipher
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(*nonce), Aad::from(binding), &mut *inside)
        .map_err(|_| KekError::Broken)?;
    Ok(boxed(nonce, &inside))
}

pub(super) fn open(key: &DataKey, binding: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (&[format], rest) = sealed.split_first_chunk::<1>().ok_or(VaultError::Damaged)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Damaged)?;
    if format != FORMAT {
        return Err(VaultError::Damaged);
    }
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(|_| KekError::Broken)?;
    let mut inside = Zeroizing::new(ciphertext.to_vec());
    let opened = cipher
        .open_in_place(Nonce::from(nonce), Aad::from(binding), &mut inside)
        .map_err(|_| VaultError::Damaged)?;
    let (length, rest) = opened.split_first_chunk::<4>().ok_or(VaultError::Damaged)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| VaultError::Damaged)?;
    rest.get(..length).map(|text| Zeroizing::new(text.to_vec())).ok_or(VaultError::Damaged)
}

fn padded(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let length = u32::try_from(text.len()).map_err(|_| VaultError::TooLarge)?;
    if text.len() > TEXT_BYTES_MAX {
        return Err(VaultError::TooLarge);
    }
    let size = (4 + text.len()).next_multiple_of(BUCKET);
    // Room for the tag ahead, so that no copy stays behind when the buffer grows.
    let mut inside = Zeroizing::new(Vec::with_capacity(size + 16));
    inside.extend_from_slice(&length.to_be_bytes());
    inside.extend_from_slice(text);
    inside.resize(size, 0);
    Ok(inside)
}

fn boxed(nonce: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(1 + nonce.len() + ciphertext.len());
    sealed.push(FORMAT);
    sealed.extend_from_slice(nonce);
    sealed.extend_from_slice(ciphertext);
    sealed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bound(purpose: TextPurpose, owner: u8, key: u8) -> Vec<u8> {
        binding(purpose, &[owner; 16], DataKeyId::from_bytes([key; 16]))
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_again(text in proptest::collection::vec(any::<u8>(), 0..400), key: [u8; 32]) {
            let key = DataKey::from_slice(&key).unwrap();
            let aad = bound(TextPurpose::Answer, 1, 2);
            let random = seal(&key, &aad, &text).unwrap();
            prop_assert_eq!(&**open(&key, &aad, &random).unwrap(), &text);
            let again = seal_with_nonce(&key, &[9; 16], &aad, &text).unwrap();
            prop_assert_eq!(&again, &seal_with_nonce(&key, &[9; 16], &aad, &text).unwrap());
            prop_assert_eq!(&**open(&key, &aad, &again).unwrap(), &text);
            prop_assert_eq!((random.len() - 1 - 12 - 16) % BUCKET, 0, "sizes come in steps");
        }

        #[test]
        fn an_altered_box_does_not_open(text in proptest::collection::vec(any::<u8>(), 0..100), at: usize, bit in 0_u32..8) {
            let key = DataKey::from_slice(&[5; 32]).unwrap();
            let aad = bound(TextPurpose::Answer, 1, 2);
            let mut sealed = seal(&key, &aad, &text).unwrap();
            let at = at % sealed.len();
            sealed[at] ^= 1_u8 << bit;
            prop_assert_eq!(open(&key, &aad, &sealed), Err(VaultError::Damaged));
        }

        #[test]
        fn a_shortened_box_does_not_open(text in proptest::collection::vec(any::<u8>(), 0..100), cut in 1_usize..200) {
            let key = DataKey::from_slice(&[5; 32]).unwrap();
            let aad = bound(TextPurpose::Answer, 1, 2);
            let sealed = seal(&key, &aad, &text).unwrap();
            let short = &sealed[..sealed.len().saturating_sub(cut)];
            prop_assert_eq!(open(&key, &aad, short), Err(VaultError::Damaged));
        }
    }

    #[test]
    fn a_moved_box_does_not_open() {
        let key = DataKey::from_slice(&[5; 32]).unwrap();
        let sealed = seal(&key, &bound(TextPurpose::Answer, 1, 2), b"text").unwrap();
        for elsewhere in [
            bound(TextPurpose::Note, 1, 2),
            bound(TextPurpose::Answer, 3, 2),
            bound(TextPurpose::Answer, 1, 3),
        ] {
            assert_eq!(open(&key, &elsewhere, &sealed), Err(VaultError::Damaged));
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let key = DataKey::from_slice(&[5; 32]).unwrap();
        assert_eq!(seal(&key, b"", &vec![0; TEXT_BYTES_MAX + 1]), Err(VaultError::TooLarge));
    }
}
