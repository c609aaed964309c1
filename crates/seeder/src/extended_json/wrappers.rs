//! Objects that stand for a value of another type, like `{"$oid": "…"}`: version 2 of extended JSON, and version 1 as
//! mongoexport up to 4.0 wrote it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bson::{DateTime, Decimal128};
use todo_store::raw::{Field, fields};

use super::parse::{DOCUMENT, DOUBLE, Dialect, INT, LONG};

/// The type of a value and its bytes.
pub(super) type Value = (u8, Vec<u8>);
type Read<T> = Result<T, String>;

/// The value that an object stands for; none if it stands for itself.
pub(super) fn value(object: &[u8], dialect: Dialect) -> Read<Option<Value>> {
    // After its length, a document is a type and a name.
    if object.get(5) != Some(&b'$') && dialect == Dialect::Json {
        return Ok(None);
    }
    let all: Vec<_> = fields(object).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let mut names: Vec<_> = all.iter().map(|field| field.name).collect();
    let known = |name: &[u8]| all.iter().find(|field| field.name == name);
    if dialect == Dialect::Shell
        && let (Some(pattern), Some(options), 2) = (known(b"$regex"), known(b"$options"), all.len())
    {
        return regex(pattern, options).map(Some);
    }
    if dialect == Dialect::Shell {
        // Version 1 has no order.
        names.sort_by_key(|name| !matches!(*name, b"$binary" | b"$code"));
    }
    let Some(&name) = names.first() else { return Ok(None) };
    let Some(first) = known(name) else { return Ok(None) };
    let second = |name: &[u8]| all.iter().find(|field| field.name == name).filter(|_| all.len() == 2);
    let alone = |value: Read<Value>| match all.len() {
        1 => value,
        _ => Err("nothing else may be in the object".to_owned()),
    };
    let value = match name {
        b"$oid" => alone(object_id(first)),
        b"$numberInt" => alone(int(first)),
        b"$numberLong" => alone(long(first, dialect)),
        b"$numberDouble" => alone(double(first)),
        b"$numberDecimal" => alone(decimal(first)),
        b"$date" => alone(date(first)),
        b"$uuid" => alone(uuid(first)),
        b"$symbol" => alone(text(first).map(|text| (0x0E, string(text)))),
        b"$minKey" => alone(marker(first, 0xFF)),
        b"$maxKey" => alone(marker(first, 0x7F)),
        b"$undefined" => alone(marker(first, 0x06)),
        b"$timestamp" => alone(inside(first, b"t", b"i").and_then(|(time, increment)| timestamp(&time, &increment))),
        b"$dbPointer" => alone(inside(first, b"$ref", b"$id").and_then(|(name, id)| pointer(&name, &id))),
        b"$regularExpression" => {
            alone(inside(first, b"pattern", b"options").and_then(|(pattern, options)| regex(&pattern, &options)))
        }
        b"$binary" => match second(b"$type") {
            Some(kind) => binary(first, kind),
            None => alone(inside(first, b"base64", b"subType").and_then(|(data, kind)| binary(&data, &kind))),
        },
        b"$code" => match second(b"$scope") {
            Some(scope) if scope.kind == DOCUMENT => text(first).map(|code| code_with_scope(code, scope.value)),
            _ => alone(text(first).map(|code| (0x0D, string(code)))),
        },
        b"$scope" => Err("it must stand behind $code".to_owned()),
        _ => return Ok(None),
    };
    value.map(Some).map_err(|error| format!("{}: {error}", String::from_utf8_lossy(name)))
}

/// The two fields of an object, in any order.
fn inside<'a>(object: &Field<'a>, first: &[u8], second: &[u8]) -> Read<(Field<'a>, Field<'a>)> {
    let wrong = || {
        let names = [first, second].map(String::from_utf8_lossy);
        format!("it must be an object of {} and {}", names[0], names[1])
    };
    if object.kind != DOCUMENT {
        return Err(wrong());
    }
    let all: Vec<_> = fields(object.value).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    match all[..] {
        [one, other] if one.name == first && other.name == second => Ok((one, other)),
        [one, other] if one.name == second && other.name == first => Ok((other, one)),
        _ => Err(wrong()),
    }
}

fn text<'a>(field: &Field<'a>) -> Read<&'a [u8]> {
    field.text().ok_or_else(|| "it must be a text".to_owned())
}

fn utf8<'a>(field: &Field<'a>) -> Read<&'a str> {
    std::str::from_utf8(text(field)?).map_err(|error| error.to_string())
}

/// A whole number, as the parser gives it.
pub(super) fn whole(field: &Field<'_>) -> Option<i64> {
    match field.kind {
        INT => field.value.try_into().ok().map(i32::from_le_bytes).map(i64::from),
        LONG => field.value.try_into().ok().map(i64::from_le_bytes),
        // As shells write milliseconds; up to 2^53 a double is exact.
        DOUBLE => {
            let number = f64::from_le_bytes(field.value.try_into().ok()?);
            (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
        }
        _ => None,
    }
}

fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32 + 1).to_le_bytes()[..], text, &[0]].concat()
}

pub(super) fn object_id(field: &Field<'_>) -> Read<Value> {
    let bytes = hex(utf8(field)?).filter(|bytes| bytes.len() == 12);
    Ok((0x07, bytes.ok_or("it must be 24 hexadecimal digits")?))
}

pub(super) fn int(field: &Field<'_>) -> Read<Value> {
    let number = match whole(field) {
        Some(number) => i32::try_from(number).ok(),
        None => utf8(field)?.parse().ok(),
    };
    Ok((INT, number.ok_or("it must be a whole number of 32 bits")?.to_le_bytes().to_vec()))
}

pub(super) fn long(field: &Field<'_>, dialect: Dialect) -> Read<Value> {
    let number = match whole(field) {
        // A number in JSON has passed through doubles, where it was written: texts are exact.
        Some(number) if dialect == Dialect::Shell => Some(number),
        _ => utf8(field)?.parse().ok(),
    };
    Ok((LONG, number.ok_or("it must be a whole number of 64 bits")?.to_le_bytes().to_vec()))
}

fn double(field: &Field<'_>) -> Read<Value> {
    if field.kind == DOUBLE {
        return Ok((DOUBLE, field.value.to_vec()));
    }
    let text = utf8(field)?;
    let number: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    if number.is_infinite() && !text.to_ascii_lowercase().contains("inf") {
        return Err(format!("{text} is out of range"));
    }
    Ok((DOUBLE, number.to_le_bytes().to_vec()))
}

pub(super) fn decimal(field: &Field<'_>) -> Read<Value> {
    let number: Decimal128 = utf8(field)?.parse().map_err(|_| "it must be a number of at most 34 digits".to_owned())?;
    Ok((0x13, number.bytes().to_vec()))
}

/// Milliseconds, or a time as ISO 8601 writes it.
pub(super) fn date(field: &Field<'_>) -> Read<Value> {
    let millis = match whole(field) {
        Some(millis) => millis,
        None => {
            let millis = field.text().and_then(|text| millis_of(std::str::from_utf8(text).ok()?));
            millis.ok_or("it must be a time like 2024-02-29T12:00:00.5Z or whole milliseconds")?
        }
    };
    Ok((0x09, millis.to_le_bytes().to_vec()))
}

/// RFC 3339, and as mongoexport 2 wrote it: an offset without a colon, no seconds.
fn millis_of(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let zone = time.find(['Z', '+', '-'])?;
    let (time, zone) = time.split_at(zone);
    let (time, fraction) = time.split_once(['.', ',']).unwrap_or((time, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(fraction) {
        return None;
    }
    // As mongoimport, which cuts off what is finer.
    let fraction = &fraction[..fraction.len().min(3)];
    let seconds = if time.len() == 5 { ":00" } else { "" };
    let zone = match zone.len() {
        5 => format!("{}:{}", zone.get(..3)?, zone.get(3..)?),
        _ => zone.to_owned(),
    };
    let normal = format!("{date}T{time}{seconds}.{fraction}{zone}");
    DateTime::parse_rfc3339_str(normal).ok().map(DateTime::timestamp_millis)
}

pub(super) fn uuid(field: &Field<'_>) -> Read<Value> {
    let text = utf8(field)?;
    let hyphens: Vec<_> = text.match_indices('-').map(|(at, _)| at).collect();
    let bytes = hex(&text.replace('-', "")).filter(|bytes| bytes.len() == 16 && hyphens == [8, 13, 18, 23]);
    Ok(of_subtype(4, &bytes.ok_or("it must be a UUID, as RFC 4122 writes it")?))
}

fn binary(data: &Field<'_>, subtype: &Field<'_>) -> Read<Value> {
    let subtype = match whole(subtype) {
        Some(subtype) => u8::try_from(subtype).ok(),
        None => utf8(subtype)?.parse::<Hex>().ok().map(|Hex(subtype)| subtype),
    };
    of_base64(subtype.ok_or("the subtype must be one or two hexadecimal digits")?, data)
}

pub(super) fn of_base64(subtype: u8, data: &Field<'_>) -> Read<Value> {
    let data = STANDARD.decode(text(data)?).map_err(|error| format!("this is no base64: {error}"))?;
    // The deprecated subtype 2 has its length twice.
    Ok(match subtype {
        2 => of_subtype(2, &[&(data.len() as u32).to_le_bytes()[..], &data].concat()),
        _ => of_subtype(subtype, &data),
    })
}

fn of_subtype(subtype: u8, data: &[u8]) -> Value {
    (0x05, [&(data.len() as u32).to_le_bytes()[..], &[subtype], data].concat())
}

pub(super) fn regex(pattern: &Field<'_>, options: &Field<'_>) -> Read<Value> {
    let mut options = text(options)?.to_vec();
    // MongoDB wants them in their order.
    options.sort_unstable();
    of_regex(text(pattern)?, &options)
}

pub(super) fn of_regex(pattern: &[u8], options: &[u8]) -> Read<Value> {
    if pattern.contains(&0) || options.contains(&0) {
        return Err("a regular expression cannot have a zero byte".to_owned());
    }
    Ok((0x0B, [pattern, &[0], options, &[0]].concat()))
}

pub(super) fn timestamp(time: &Field<'_>, increment: &Field<'_>) -> Read<Value> {
    let part = |field| whole(field).and_then(|number| u32::try_from(number).ok());
    let (Some(time), Some(increment)) = (part(time), part(increment)) else {
        return Err("its parts must be whole numbers of 32 bits without a sign".to_owned());
    };
    Ok((0x11, [increment.to_le_bytes(), time.to_le_bytes()].concat()))
}

pub(super) fn pointer(name: &Field<'_>, id: &Field<'_>) -> Read<Value> {
    let id = match id.kind {
        0x07 => id.value.to_vec(),
        _ => object_id(id)?.1,
    };
    Ok((0x0C, [string(text(name)?), id].concat()))
}

fn code_with_scope(code: &[u8], scope: &[u8]) -> Value {
    let code = string(code);
    let length = (4 + code.len() + scope.len()) as u32;
    (0x0F, [&length.to_le_bytes()[..], &code, scope].concat())
}

/// A value that has nothing but its type.
fn marker(field: &Field<'_>, kind: u8) -> Read<Value> {
    if whole(field) == Some(1) || field.kind == 0x08 && field.value == [1] {
        return Ok((kind, Vec::new()));
    }
    Err("it must be 1 or true".to_owned())
}

/// A byte of hexadecimal digits.
struct Hex(u8);

impl std::str::FromStr for Hex {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hex = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u8::from_str_radix(text, 16).ok().map(Self)).flatten().ok_or(())
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let byte = |at: usize| text.get(at..at + 2)?.parse::<Hex>().ok().map(|Hex(byte)| byte);
    (0..text.len()).step_by(2).map(byte).collect()
}
