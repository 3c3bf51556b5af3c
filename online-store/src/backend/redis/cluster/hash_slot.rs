//! The slot of a key, as Redis computes it: CRC-16/XMODEM of the key, or of what stands in its first braces.

/// Slots of a cluster.
pub(super) const SLOTS: u16 = 16_384;

const POLYNOMIAL: u16 = 0x1021;

/// The remainder of each byte.
const REMAINDERS: [u16; 256] = {
    let mut remainders = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let (mut remainder, mut bit) = (byte << 8, 0);
        while bit < 8 {
            let carry = remainder & 0x8000 != 0;
            remainder = (remainder << 1) ^ if carry { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        remainders[byte as usize] = remainder;
        byte += 1;
    }
    remainders
};

/// The slot of a key.
pub(super) fn hash_slot(key: &[u8]) -> u16 {
    let crc = tag(key).unwrap_or(key).iter().fold(0_u16, |crc, &byte| {
        (crc << 8) ^ REMAINDERS[usize::from(crc.to_be_bytes()[0] ^ byte)]
    });
    crc % SLOTS
}

/// What stands between the first `{` and the first `}` behind it, unless that is nothing.
fn tag(key: &[u8]) -> Option<&[u8]> {
    let open = key.iter().position(|&byte| byte == b'{')?;
    let rest = &key[open + 1..];
    let close = rest.iter().position(|&byte| byte == b'}')?;
    (close > 0).then_some(&rest[..close])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        for (key, slot) in [
            (&b""[..], 0),
            (b"123456789", 0x31c3),
            (b"foo", 12_182),
            (b"bar", 5_061),
            (b"\x00\xff{foo}\xfe", 12_182),
        ] {
            assert_eq!(hash_slot(key), slot, "{key:?}");
        }
    }

    /// The cases of the cluster specification, and those of bytes that are no text.
    #[test]
    fn the_first_braces_count_unless_they_are_empty() {
        for (key, hashed) in [
            (&b"{user1000}.following"[..], &b"user1000"[..]),
            (b"foo{}{bar}", b"foo{}{bar}"),
            (b"foo{{bar}}zap", b"{bar"),
            (b"foo{bar}{zap}", b"bar"),
            (b"}foo{bar", b"}foo{bar"),
            (b"}{bar}", b"bar"),
            (b"{", b"{"),
            (b"{}", b"{}"),
            (b"\x02\x00{\x00}\xff", b"\x00"),
            (b"\x01{\x80\xff", b"\x01{\x80\xff"),
        ] {
            assert_eq!(tag(key).unwrap_or(key), hashed, "{key:?}");
        }
    }
}
