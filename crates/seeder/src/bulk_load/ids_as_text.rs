//! A numeric id becomes its decimal text only where that was asked for, and only if it is a whole number.

use bson::{RawBsonRef, RawDocument};
use todo_store::raw::{Field, fields};

/// The document with its id as text: `5`, `5.0`, `NumberLong(5)` and `NumberDecimal("5.00")` are `"5"`. None if it has no such id.
///
/// # Errors
/// What is wrong with the bytes. Only what must be looked at to find the id is.
pub fn with_id_as_text(document: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut text = None;
    for field in fields(document) {
        let field = field.map_err(|error| error.to_string())?;
        if field.name == b"id" {
            text = decimal(&field);
        }
    }
    let Some(text) = text else { return Ok(None) };
    let mut changed = vec![0; 4];
    for field in fields(document) {
        let field = field.map_err(|error| error.to_string())?;
        if field.name != b"id" {
            changed.extend_from_slice(field.bytes);
            continue;
        }
        // A string: its type, the name, its length with the zero byte, itself (https://bsonspec.org/spec.html).
        changed.extend_from_slice(b"\x02id\0");
        changed.extend_from_slice(&(text.len() as u32 + 1).to_le_bytes());
        changed.extend_from_slice(text.as_bytes());
        changed.push(0);
    }
    changed.push(0);
    // A document that was read is far shorter than 4 GiB.
    let length = (changed.len() as u32).to_le_bytes();
    changed[..4].copy_from_slice(&length);
    Ok(Some(changed))
}

/// Whether the id of the document is a number that `--ids-as-text` takes.
pub fn has_numeric_id(document: &[u8]) -> bool {
    let id = fields(document).map_while(Result::ok).find(|field| field.name == b"id");
    id.is_some_and(|field| decimal(&field).is_some())
}

/// The number's digits, if it is a whole one.
fn decimal(field: &Field<'_>) -> Option<String> {
    // Doubles are whole numbers up to here, and each has one decimal text.
    const WHOLE: f64 = 9_223_372_036_854_775_808.0;
    let mut alone = ((field.bytes.len() + 5) as u32).to_le_bytes().to_vec();
    alone.extend_from_slice(field.bytes);
    alone.push(0);
    match RawDocument::from_bytes(&alone).ok()?.get("id").ok()?? {
        RawBsonRef::Int32(number) => Some(number.to_string()),
        RawBsonRef::Int64(number) => Some(number.to_string()),
        RawBsonRef::Double(number) if number.fract() == 0.0 && number.abs() < WHOLE => {
            Some((number as i64).to_string())
        }
        RawBsonRef::Decimal128(number) => whole(&number.to_string()),
        _ => None,
    }
}

/// The digits of a decimal number (`5`, `5.00`, `5E+3`), if it is a whole one of at most as many as the type keeps.
fn whole(number: &str) -> Option<String> {
    const MOST_DIGITS: usize = 34;
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (digits, exponent) = number.split_once(['E', 'e']).unwrap_or((number, "0"));
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent = exponent.parse::<i64>().ok()?.checked_sub(behind.len() as i64)?;
    let mut digits = format!("{before}{behind}").trim_start_matches('0').to_owned();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || before.is_empty() {
        return None;
    }
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    if exponent < 0 {
        let fraction = usize::try_from(-exponent).ok()?;
        let at = digits.len().checked_sub(fraction).filter(|at| *at > 0)?;
        if digits.split_off(at).bytes().any(|digit| digit != b'0') {
            return None;
        }
    } else {
        let zeros = usize::try_from(exponent).ok().filter(|zeros| digits.len() + zeros <= MOST_DIGITS)?;
        digits.push_str(&"0".repeat(zeros));
    }
    Some(format!("{sign}{digits}"))
}

#[cfg(test)]
mod tests {
    use bson::{Bson, doc, rawdoc};

    use super::*;

    #[test]
    fn whole_numbers_of_every_type_become_their_decimal_text_and_nothing_else_changes() {
        let exact = |text: &str| Bson::Decimal128(text.parse().expect("a number"));
        for (id, text) in [
            (exact("5"), Some("5")),
            (exact("-5.00"), Some("-5")),
            (exact("5E3"), Some("5000")),
            (exact("500E-2"), Some("5")),
            (exact("0E-6"), Some("0")),
            (exact("9999999999999999999999999999999999"), Some("9999999999999999999999999999999999")),
            (exact("5.50"), None),
            (exact("0.5"), None),
            (exact("5E-3"), None),
            (exact("1E34"), None),
            (exact("NaN"), None),
            (exact("-Infinity"), None),
            (Bson::Int32(5), Some("5")),
            (Bson::Int32(-7), Some("-7")),
            (Bson::Int64(i64::MAX), Some("9223372036854775807")),
            (Bson::Int64(i64::MIN), Some("-9223372036854775808")),
            (Bson::Double(5.0), Some("5")),
            (Bson::Double(-0.0), Some("0")),
            (Bson::Double(9_007_199_254_740_992.0), Some("9007199254740992")),
            (Bson::Double(5.5), None),
            (Bson::Double(1e300), None),
            (Bson::Double(f64::NAN), None),
            (Bson::Double(f64::INFINITY), None),
            (Bson::String("5".to_owned()), None),
            (Bson::Boolean(true), None),
            (Bson::Null, None),
            (Bson::Document(doc! { "id": 5 }), None),
        ] {
            let document = |id: Bson| doc! { "_id": 5, "a": { "id": 5 }, "id": id, "name": "A" }.to_vec();
            let document = |id: &Bson| document(id.clone()).expect("a document");
            let changed = with_id_as_text(&document(&id)).expect("fields");
            assert_eq!(changed, text.map(|text| document(&Bson::from(text))), "{id:?}");
            assert_eq!(has_numeric_id(&document(&id)), text.is_some(), "{id:?}");
        }
        assert_eq!(with_id_as_text(rawdoc! { "_id": 5, "name": "A" }.as_bytes()), Ok(None));
        assert!(with_id_as_text(&[9, 0, 0, 0, 2, b'a', 0, 9, 0]).is_err());
    }
}
