//! JSON values: those that the real mongoimport takes have the same bytes with us, those that it refuses are refused.

use std::path::Path;

use bson::rawdoc;

use crate::support::{Place, embedded, mongo, said, sorted};

/// Values of JSON and of extended JSON, of any release of mongoexport.
const TAKEN: &[&str] = &[
    // Numbers: exact, of 32 bits, of 64 bits, or doubles.
    "0",
    "-0",
    "-0.0",
    "1",
    "1.0",
    "-1.5",
    "1e3",
    "1E+2",
    "1e-400",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "123456789012345678901234567890",
    "0.9690406502940995",
    "451705.20289303034",
    "5e-324",
    "1.7976931348623157e308",
    "2.2250738585072011e-308",
    "0.1",
    "100000000000000000000000",
    r#"{"$numberInt":"-5"}"#,
    r#"{"$numberLong":"5"}"#,
    r#"{"$numberDouble":"0.9690406502940995"}"#,
    r#"{"$numberDouble":"-Infinity"}"#,
    r#"{"$numberDouble":"1"}"#,
    r#"{"$numberDecimal":"1.10"}"#,
    r#"{"$numberDecimal":"-Infinity"}"#,
    // Texts: escapes, half a surrogate pair, bytes that stand for themselves.
    r#""\u00e4\u0000\ud83d\ude00\/\b\f\n\r\t\"\\""#,
    r#""\ud83d""#,
    r#""\ud83dx""#,
    r#""\udc00""#,
    r#""\ude00\n\ud83d""#,
    "\"\u{2028}\u{7f}\"",
    "[]",
    "{}",
    "[[],{},[null,true,false]]",
    r#"{"":1}"#,
    r#"{"a.b":{"$c":1}}"#,
    // Dates of this and earlier releases.
    r#"{"$date":"2024-02-29T12:00:00Z"}"#,
    r#"{"$date":"2024-02-29T12:00:00.123456Z"}"#,
    r#"{"$date":"2014-05-02T00:00:00.000-0400"}"#,
    r#"{"$date":"2014-05-02T00:00:00.5+05:30"}"#,
    r#"{"$date":"1960-01-01T00:00:00.9999Z"}"#,
    r#"{"$date":"0001-01-01T00:00:00Z"}"#,
    r#"{"$date":1399003200123}"#,
    r#"{"$date":-1}"#,
    r#"{"$date":{"$numberLong":"-62135596800001"}}"#,
    // Binary data of this and earlier releases.
    r#"{"$binary":{"base64":"AQI=","subType":"80"}}"#,
    r#"{"$binary":{"subType":"0","base64":""}}"#,
    r#"{"$binary":{"base64":"AQI=","subType":"02"}}"#,
    r#"{"$binary":"AQI=","$type":"00"}"#,
    r#"{"$binary":"AAECAwQFBgcICQoLDA0ODw==","$type":"3"}"#,
    r#"{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}"#,
    // All other types.
    r#"{"$oid":"0123456789abcdef01234567"}"#,
    r#"{"$undefined":true}"#,
    r#"{"$minKey":1}"#,
    r#"{"$maxKey":1}"#,
    r#"{"$symbol":"s"}"#,
    r#"{"$code":"x"}"#,
    r#"{"$code":"x","$scope":{"a":{"$numberLong":"1"}}}"#,
    r#"{"$timestamp":{"t":4294967295,"i":1}}"#,
    r#"{"$timestamp":{"i":1,"t":0}}"#,
    r#"{"$regularExpression":{"pattern":"^a","options":"xi"}}"#,
    r#"{"$dbPointer":{"$ref":"a.b","$id":{"$oid":"0123456789abcdef01234567"}}}"#,
    // What only looks like a value of another type.
    r#"{"$ref":"c","$id":{"$oid":"0123456789abcdef01234567"},"$db":"d"}"#,
    r#"{"$regex":"a","$options":"i"}"#,
    r#"{"$type":"00","$binary":"AQI="}"#,
    r#"{"b":1,"$oid":"x"}"#,
    r#"{"$unknown":{"$date":0}}"#,
];

const REFUSED: &[&str] = &[
    "1e400",
    "-1e309",
    "01",
    "+1",
    ".5",
    "1.",
    "0x1F",
    "1e",
    "--1",
    "NaN",
    "Infinity",
    "undefined",
    "'a'",
    "[1,]",
    "{\"a\":1,}",
    "{a:1}",
    "\"a\tb\"",
    "\"\\x41\"",
    "\"\\u12\"",
    "{\"a\\u0000b\":1}",
    r#"{"$oid":"short"}"#,
    r#"{"$oid":5}"#,
    r#"{"$oid":"0123456789abcdef01234567","b":1}"#,
    r#"{"$numberLong":5}"#,
    r#"{"$numberLong":"5.5"}"#,
    r#"{"$numberLong":"9223372036854775808"}"#,
    r#"{"$numberInt":"2147483648"}"#,
    r#"{"$numberDouble":"1e400"}"#,
    r#"{"$numberDouble":"x"}"#,
    r#"{"$numberDecimal":"1.5x"}"#,
    r#"{"$date":"2024-02-30T00:00:00Z"}"#,
    r#"{"$date":"2024-02-29"}"#,
    r#"{"$date":"yesterday"}"#,
    r#"{"$date":1.5}"#,
    r#"{"$minKey":2}"#,
    r#"{"$binary":{"base64":"AQ","subType":"00"}}"#,
    r#"{"$binary":{"base64":"AQI="}}"#,
    r#"{"$binary":"AQI=","$type":"100"}"#,
    r#"{"$uuid":"00112233445566778899aabbccddeeff"}"#,
    r#"{"$timestamp":{"t":-1,"i":1}}"#,
    r#"{"$timestamp":{"t":1}}"#,
    r#"{"$scope":{},"$code":"x"}"#,
    "ObjectId(\"0123456789abcdef01234567\")",
    "/a/i",
    "tru",
    "nulls",
];

/// What the mongo shell wrote, and `--legacy` takes.
const LEGACY: &[&str] = &[
    "ObjectId('0123456789abcdef01234567')",
    r#"ObjectId( "0123456789abcdef01234567" )"#,
    r#"ISODate("2014-05-02T00:00:00.5Z")"#,
    r#"ISODate("2014-05-02T00:00Z")"#,
    r#"ISODate("2014-05-02T00:00:00.000+0200")"#,
    "new Date(1399003200123)",
    "Date(-1)",
    r#"new Date("2014-05-02T00:00:00Z")"#,
    "NumberLong(5)",
    r#"NumberLong("9223372036854775807")"#,
    "NumberInt('5')",
    "Timestamp(5, 6)",
    "/^a{1}\"'/i",
    r"/a\/b/gi",
    "RegExp('a','i')",
    r#"BinData(3,"AQI=")"#,
    "undefined",
    "Infinity",
    "-Infinity",
    "+1",
    ".5",
    "0x1F",
    "-0x1f",
    "MinKey",
    "MaxKey",
    "Boolean(1)",
    "Boolean('')",
    "Boolean()",
    r#"DBPointer("c", ObjectId("0123456789abcdef01234567"))"#,
    r"'it\'s {'",
    "{a:1, 'b':2, $c:3, d_1:[1]}",
    r#"{"$regex":"a","$options":"i"}"#,
    r#"{$options:"i",$regex:"a"}"#,
    r#"{"$type":"00","$binary":"AQI="}"#,
    r#"{"$date":"2014-05-02T00:00Z"}"#,
    r#"{$date:1234}"#,
    r#"{$oid:"0123456789abcdef01234567"}"#,
    r#"{"$undefined":true}"#,
    "1e3",
    "12345678901",
    "1.0",
    "true",
    "null",
    r#"{"$ref":"c","$id":5}"#,
    r#"{"$timestamp":{"t":1,"i":2}}"#,
];

const NOT_EVEN_LEGACY: &[&str] =
    &["01", "5.", "1x", "--1", "new Foo(1)", "ObjectId('x')", "[1,]", "'a", "Timestamp(1)", "-"];

fn written(folder: &Path, text: &str) -> String {
    let file = folder.join("todos.json").display().to_string();
    std::fs::write(&file, text).unwrap();
    file
}

/// A todo in each line, with one of the values.
fn lines(values: &[&str]) -> String {
    let line =
        |(n, value): (usize, &&str)| format!("{{\"_id\":\"{n}\",\"id\":\"{n}\",\"name\":\"A\",\"x\":{value}}}\n");
    values.iter().enumerate().map(line).collect()
}

async fn mongoimport(flags: &[&str], file: &str) -> Place {
    let place = mongo();
    place.collection("todos").await;
    let flags = [&["--db", &*place.database, "--collection", "todos", "--file", file], flags].concat();
    place.tool("mongoimport", &flags);
    place
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mongoimport_takes_has_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for (values, flags) in [(TAKEN, &[][..]), (LEGACY, &["--legacy"])] {
        let file = written(folder.path(), &lines(values));
        let theirs = mongoimport(flags, &file).await.all("todos").await;
        assert_eq!(theirs.len(), values.len());
        for ours in [mongo(), embedded()] {
            ours.done("import", &[&[&*file], flags].concat());
            for (ours, theirs) in ours.all("todos").await.iter().zip(&theirs) {
                let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                assert!(ours == theirs, "{:?} is not {:?}", shown(ours), shown(theirs));
            }
            let said = ours.done("verify", &[&["--against", &*file], flags].concat());
            assert!(said.contains("contents equal"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mongoimport_refuses_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = mongo();
    for (values, flags) in [(REFUSED, &[][..]), (NOT_EVEN_LEGACY, &["--legacy"])] {
        for value in values {
            let text = format!("{{\"id\":\"0\",\"name\":\"A\"}}\n\n  {}", lines(&[value]));
            let file = written(folder.path(), &text);
            let said = embedded().fails("import", &[&[&*file], flags].concat());
            let place = said.contains("(line 3, column") || said.contains("it ends inside an object");
            assert!(place && said.contains("byte "), "{value}: {said}");
            let mut import = std::process::Command::new(test_servers::mongo_tool("mongoimport"));
            import.args(["--uri", &theirs.url, "--db", &theirs.database, "--collection", "refused", "--file", &file]);
            let output = import.args(flags).output().unwrap();
            assert!(!output.status.success(), "{value}: {}", crate::support::said(&output));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_that_differs_in_its_last_place_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    for place in [mongo(), embedded()] {
        place.done("import", &[&written(folder.path(), &lines(&["0.9690406502940995"]))]);
        let other = written(folder.path(), &lines(&["0.9690406502940996"]));
        assert!(place.fails("verify", &["--against", &other]).contains("1 different"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_kept_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let text = concat!(
        r#"{"id":"1","name":"old","x":1,"name":"new","y":{"a":1,"b":2,"a":3}}"#,
        "\n",
        r#"{"id":"2","name":"half \ud83d","x":{"a":1},"y":{"a":1}}"#
    );
    let place = embedded();
    let said = place.done("import", &[&written(folder.path(), text)]);
    assert!(said.contains("1 had a name twice in an object: the last value was taken\n  byte 0"), "{said}");
    assert!(said.contains("1 had half a surrogate pair in a text: U+FFFD stands in its place\n  byte 67"), "{said}");
    let expected = [
        rawdoc! { "_id": "1", "id": "1", "name": "new", "x": 1, "y": { "a": 3, "b": 2 } },
        rawdoc! { "_id": "2", "id": "2", "name": "half \u{fffd}", "x": { "a": 1 }, "y": { "a": 1 } },
    ];
    assert!(place.all("todos").await == sorted(&expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nesting_goes_as_deep_as_mongodb_stores_it() {
    let folder = tempfile::tempdir().unwrap();
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        // With the document itself, 180 levels.
        let file = written(folder.path(), &lines(&[&nested(129), &nested(179)]));
        let theirs = mongoimport(&[], &file).await.all("todos").await;
        for place in [mongo(), embedded()] {
            place.done("import", &[&file]);
            assert!(place.all("todos").await == theirs);
        }
        let file = written(folder.path(), &lines(&[&nested(180)]));
        let place = mongo();
        let output = place.of("import", &[&file]).output().unwrap();
        assert!(said(&output).contains("exceeds 180 levels of nesting"), "{}", said(&output));
        let file = written(folder.path(), &lines(&[&nested(100_000)]));
        assert!(embedded().fails("import", &[&file]).contains("nested deeper than 200 levels"));
    }
}
