//! Drives real processes of the service, breaks things under them, and checks what their clients saw.
//!
//! - [`history`]: what is recorded. [`checker`]: what must hold of it.

pub mod checker;
pub mod history;
