//! Each target has seeds, and takes them, also where one byte is another.

use std::collections::BTreeSet;
use std::path::Path;

use fuzz::targets::TARGETS;

#[test]
fn every_target_takes_its_seeds_and_what_is_near_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let names: BTreeSet<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, TARGETS.iter().map(|(name, _)| (*name).into()).collect());
    for (name, target) in TARGETS {
        let mut seeds = 0;
        for seed in std::fs::read_dir(folder.join(name)).unwrap() {
            let mut bytes = std::fs::read(seed.unwrap().path()).unwrap();
            target(&bytes);
            for at in 0..bytes.len() {
                let whole = bytes[at];
                for other in [0, b'\n', b'%', 0xff, whole ^ 1, whole ^ 0x20] {
                    bytes[at] = other;
                    target(&bytes);
                }
                bytes[at] = whole;
                target(&bytes[..at]);
            }
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seed");
    }
}
