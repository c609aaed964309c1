//! Hexadecimal digits for headers of each answer, at a fraction of what `format!` takes.

/// The last `N` digits of a number, in lower case.
pub(crate) fn digits<const N: usize>(number: u64) -> [u8; N] {
    std::array::from_fn(|at| b"0123456789abcdef"[(number >> (4 * (N - 1 - at)) & 15) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_format() {
        for number in [0, 1, 0xdead_beef, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(digits::<16>(number), *format!("{number:016x}").as_bytes());
            assert_eq!(digits::<8>(number), *format!("{:08x}", number as u32).as_bytes());
        }
    }
}
