//! Rows of a table. Every value is text, for an id like `007` is no number; an empty cell is no field. A row that could be
//! read in two ways is an error with its line and column, never a guess.
//!
//! - `cells`: bytes into cells. `columns`: which cell is which field; `address.city` is a field of a field, as in mongoimport.

mod cells;
mod columns;

pub use self::cells::Separator;
use self::cells::{Cells, Wrong};
use self::columns::Columns;
use crate::input::Input;
use crate::input::error::{Problem, ReadError};
use crate::input::text::{Position, Text};

/// Reads rows.
pub struct Table {
    input: Text,
    cells: Cells,
    columns: Columns,
    begin: Position,
    document: Vec<u8>,
}

impl Table {
    /// Reads the header, unless the names of the columns are given.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn new(input: Input, separator: Separator, fields: Option<&[String]>) -> Result<Self, ReadError> {
        let input = Text::new(input)?;
        let (cells, columns, begin) = (Cells::new(separator), Columns::default(), input.position());
        let mut table = Self { input, cells, columns, begin, document: Vec::new() };
        let names: Vec<String> = match fields {
            Some(fields) => fields.to_vec(),
            None => {
                if !table.row()? {
                    return Err(table.error(Problem::Csv("the file is empty, it has no header".to_owned())));
                }
                let names = table.cells.texts().map(|name| name.map(|name| name.trim().to_owned()));
                names.collect::<Result<_, _>>().map_err(|wrong| table.wrong(&wrong))?
            }
        };
        table.columns = Columns::new(&names).map_err(|problem| table.error(Problem::Csv(problem)))?;
        Ok(table)
    }

    pub(crate) fn next(&mut self) -> Result<bool, ReadError> {
        if !self.row()? {
            return Ok(false);
        }
        let (count, expected) = (self.cells.len(), self.columns.len());
        if count != expected {
            let problem = format!("it has {count} values, the header {expected} ({})", self.begin);
            return Err(self.error(Problem::Csv(problem)));
        }
        self.document.clear();
        let texts: Vec<&str> = self.cells.texts().collect::<Result<_, _>>().map_err(|wrong| self.wrong(&wrong))?;
        self.columns.document(&texts, &mut self.document);
        Ok(true)
    }

    pub(crate) fn document(&self) -> &[u8] {
        &self.document
    }

    pub(crate) fn begin(&self) -> u64 {
        self.begin.byte
    }

    pub(crate) fn error(&self, problem: Problem) -> ReadError {
        self.input.error(self.begin.byte, problem)
    }

    /// Reads the next row that is not blank; false at the end.
    fn row(&mut self) -> Result<bool, ReadError> {
        loop {
            self.begin = self.input.position();
            if self.input.peek()?.is_none() {
                return Ok(false);
            }
            self.cells.read(&mut self.input)?.map_err(|wrong| self.wrong(&wrong))?;
            if !self.cells.is_blank() {
                return Ok(true);
            }
        }
    }

    fn wrong(&self, Wrong { position, problem }: &Wrong) -> ReadError {
        self.error(Problem::Csv(format!("{problem} ({position})")))
    }
}
