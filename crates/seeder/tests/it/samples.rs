//! Documents that tests put into dumps.

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{
    Binary, Bson, DateTime, Decimal128, JavaScriptCodeWithScope, RawDocumentBuf, Regex, Timestamp, cstr, doc, rawdoc,
};

/// Todos, with the ids `1` to `count`, as another program writes them.
pub(crate) fn todos(count: u32) -> Vec<RawDocumentBuf> {
    (1..=count).map(|n| todo(n, "text")).collect()
}

pub(crate) fn todo(n: u32, description: &str) -> RawDocumentBuf {
    rawdoc! { "_id": n as i32, "id": n.to_string(), "name": format!("Todo {n}"), "description": description }
}

/// Todos that have a field of every type, at the top and further down.
pub(crate) fn of_all_types() -> Vec<RawDocumentBuf> {
    let regex = Regex { pattern: cstr!("^a.*b$").into(), options: cstr!("imx").into() };
    let scope = JavaScriptCodeWithScope { code: "return x".to_owned(), scope: doc! { "x": 1_i64 } };
    let decimals = ["1.50", "-0", "NaN", "Infinity", "9.999999999999999999999999999999999E+6144"];
    let decimals: Vec<Bson> = decimals.iter().map(|text| text.parse::<Decimal128>().unwrap().into()).collect();
    let binaries: Vec<Bson> = [
        BinarySubtype::Generic,
        BinarySubtype::Function,
        BinarySubtype::Uuid,
        BinarySubtype::UuidOld,
        BinarySubtype::Md5,
        BinarySubtype::UserDefined(0x80),
    ]
    .map(|subtype| Bson::Binary(Binary { subtype, bytes: vec![7; 16] }))
    .to_vec();
    let types = doc! {
        "double": [0.0, -0.0, 1.5, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY],
        "string": ["", "ä\u{0}ö", "𝄞", "$v"],
        "document": { "": {}, "a.b": { "$c": [] } },
        "array": [[], [[Bson::Null]], {}],
        "binary": binaries,
        "undefined": Bson::Undefined,
        "object_id": ObjectId::from_bytes([9; 12]),
        "boolean": [true, false],
        "date": [DateTime::MIN, DateTime::from_millis(-1), DateTime::from_millis(0), DateTime::MAX],
        "null": Bson::Null,
        "regex": Bson::RegularExpression(regex),
        "code": Bson::JavaScriptCode("function() {}".to_owned()),
        "symbol": Bson::Symbol("s".to_owned()),
        "code_with_scope": Bson::JavaScriptCodeWithScope(scope),
        "int": [i32::MIN, -1, 0, i32::MAX],
        "timestamp": Bson::Timestamp(Timestamp { time: 5, increment: 6 }),
        "long": [i64::MIN, -1_i64, 0_i64, i64::MAX],
        "decimal": decimals,
        "min": Bson::MinKey,
        "max": Bson::MaxKey,
    };
    let mut nested = doc! { "_id": ObjectId::from_bytes([1; 12]), "id": "all", "name": "All types" };
    nested.extend(types.clone());
    nested.insert("inside", types);
    let mut all = vec![RawDocumentBuf::try_from(&nested).unwrap(), with_pointer()];
    for key in
        [Bson::Int64(-7), Bson::Double(2.5), Bson::Boolean(true), Bson::Null, Bson::MaxKey, Bson::String("k".into())]
    {
        let id = format!("key-{}", all.len());
        let key: bson::RawBson = key.try_into().unwrap();
        all.push(rawdoc! { "_id": key, "id": id, "name": "A key of another type" });
    }
    all
}

/// The crate cannot make the deprecated type DBPointer (<https://bsonspec.org/spec.html>, type 0x0C).
fn with_pointer() -> RawDocumentBuf {
    let mut bytes = rawdoc! { "_id": "pointer", "id": "pointer", "name": "P" }.into_bytes();
    bytes.pop();
    bytes.extend_from_slice(b"\x0cpointer\0\x04\0\0\0a.b\0");
    bytes.extend_from_slice(&[3; 12]);
    bytes.push(0);
    let length = (bytes.len() as i32).to_le_bytes();
    bytes[..4].copy_from_slice(&length);
    RawDocumentBuf::from_bytes(bytes).unwrap()
}
