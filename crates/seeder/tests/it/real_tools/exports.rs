//! Text that the real mongoexport makes, and that the real mongoimport takes.

use bson::{RawDocumentBuf, rawdoc};

use crate::samples::{of_all_types, todos};
use crate::support::{embedded, mongo, sorted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mongoexport_makes_comes_back_with_its_types() {
    let (from, folder) = (mongo(), tempfile::tempdir().unwrap());
    let mut all = of_all_types();
    all.extend(todos(1_500));
    from.put("todos", &all).await;
    for (name, flags) in [("lines.json", &[][..]), ("array.json", &["--jsonArray"]), ("pretty.json", &["--pretty"])] {
        let file = folder.path().join(name).display().to_string();
        let out = format!("--out={file}");
        let export =
            [&["--db", &from.database, "--collection", "todos", "--jsonFormat=canonical", &out], flags].concat();
        from.tool("mongoexport", &export);
        for to in [mongo(), embedded()] {
            to.done("import", &[&file]);
            let (imported, expected) = (to.all("todos").await, sorted(&all));
            assert_eq!(imported.len(), expected.len());
            for (imported, expected) in imported.iter().zip(&expected) {
                assert!(imported == expected, "{name}: {:?}", RawDocumentBuf::from_bytes(expected.clone()));
            }
            assert!(to.done("verify", &["--against", &file]).contains("contents equal"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_taken_as_mongoimport_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = concat!(
        r#"{"_id":1,"id":"1","name":"A","n":[1,-1,2147483648,-2147483649,1.5,1e3,9223372036854775807],"t":true,"z":null}"#,
        "\n\n  ",
        r#"{"_id":{"$oid":"0123456789abcdef01234567"},"id":"2","name":"{\"}]","d":{"$date":"2024-02-29T12:00:00.5Z"}}"#,
        r#"{"_id":"3","id":"3","name":"\ud834\udd1e \\","x":{"$numberDecimal":"1.10"},"b":{"$binary":{"base64":"AQ==","subType":"00"}}}"#,
        "\r\n",
    );
    let file = folder.path().join("todos.ndjson").display().to_string();
    std::fs::write(&file, text).unwrap();
    let (ours, theirs) = (mongo(), mongo());
    ours.done("import", &[&file]);
    theirs.collection("todos").await;
    theirs.tool("mongoimport", &["--db", &theirs.database, "--collection", "todos", "--file", &file]);
    assert_eq!(ours.all("todos").await.len(), 3);
    assert!(ours.all("todos").await == theirs.all("todos").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_mongoexport_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (from, file) = (mongo(), folder.path().join("exported.csv").display().to_string());
    from.put("todos", &todos(50)).await;
    let fields = ["--type=csv", "--fields=id,name,description", "--out", &file];
    from.tool("mongoexport", &[&["--db", &from.database, "--collection", "todos"], &fields[..]].concat());
    let place = mongo();
    place.done("import", &[&file, "--drop"]);
    let expected: Vec<_> = (1..=50)
        .map(|n: u32| {
            let (id, name) = (n.to_string(), format!("Todo {n}"));
            rawdoc! { "_id": id.as_str(), "id": id.as_str(), "name": name, "description": "text" }
        })
        .collect();
    assert!(place.all("todos").await == sorted(&expected));
}
