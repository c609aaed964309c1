//! Which cell of a row is which field. A name with dots is a field of a field, as mongoexport writes and mongoimport reads
//! it.

use todo_store::raw::MAX_DEPTH;

/// So many names of a header are shown.
const SHOWN: usize = 10;

/// The columns of a table, as the document that each row becomes.
#[derive(Debug, Default)]
pub(super) struct Columns {
    count: usize,
    fields: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    /// With its zero byte.
    name: Vec<u8>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    /// The cell at this place of the row.
    Cell(usize),
    Document(Vec<Node>),
}

impl Columns {
    /// Columns of these names, one of which must be `id`.
    pub(super) fn new(names: &[String]) -> Result<Self, String> {
        let mut columns = Self { count: names.len(), fields: Vec::new() };
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                return Err(format!("the header names {} twice", name.escape_debug()));
            }
            if name.contains('\0') {
                return Err(format!("the name {name:?} has a zero byte"));
            }
            if name.matches('.').count() >= MAX_DEPTH {
                return Err(format!("a name has more than {MAX_DEPTH} dots"));
            }
            if name.split('.').any(str::is_empty) && name.contains('.') {
                return Err(format!("the name {name:?} has a dot without a name beside it"));
            }
            add(&mut columns.fields, name, place)?;
        }
        if !names.iter().any(|name| name == "id") {
            let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(format!("the header names no column id, but {shown:?}"));
        }
        Ok(columns)
    }

    /// How many cells a row has.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Appends the document of a row.
    pub(super) fn document(&self, cells: &[&str], out: &mut Vec<u8>) {
        append(&self.fields, cells, out);
    }
}

fn add(fields: &mut Vec<Node>, name: &str, place: usize) -> Result<(), String> {
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let key = [first.as_bytes(), &[0]].concat();
    let both = || format!("{} cannot be a value and have fields of its own, too", first.escape_debug());
    let found = fields.iter_mut().find(|field| field.name == key);
    match (found, rest) {
        (None, None) => fields.push(Node { name: key, value: Value::Cell(place) }),
        (None, Some(rest)) => {
            let mut inside = Vec::new();
            add(&mut inside, rest, place)?;
            fields.push(Node { name: key, value: Value::Document(inside) });
        }
        (Some(Node { value: Value::Document(inside), .. }), Some(rest)) => add(inside, rest, place)?,
        (Some(_), _) => return Err(both()),
    }
    Ok(())
}

/// Empty cells are no fields, and objects of nothing else are none either.
fn append(fields: &[Node], cells: &[&str], out: &mut Vec<u8>) {
    let begin = out.len();
    out.extend_from_slice(&[0; 4]);
    for Node { name, value } in fields {
        match value {
            Value::Cell(place) if cells[*place].is_empty() => {}
            Value::Cell(place) => {
                out.push(0x02);
                out.extend_from_slice(name);
                let text = cells[*place].as_bytes();
                out.extend_from_slice(&(text.len() as u32 + 1).to_le_bytes());
                out.extend_from_slice(text);
                out.push(0);
            }
            Value::Document(inside) if is_empty(inside, cells) => {}
            Value::Document(inside) => {
                out.push(0x03);
                out.extend_from_slice(name);
                append(inside, cells, out);
            }
        }
    }
    out.push(0);
    let length = ((out.len() - begin) as u32).to_le_bytes();
    out[begin..begin + 4].copy_from_slice(&length);
}

fn is_empty(fields: &[Node], cells: &[&str]) -> bool {
    fields.iter().all(|field| match &field.value {
        Value::Cell(place) => cells[*place].is_empty(),
        Value::Document(inside) => is_empty(inside, cells),
    })
}
