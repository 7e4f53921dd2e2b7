/// What headers before an entry say about it.
#[derive(Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

impl Extended {
    /// Reads pax records, `LENGTH KEY=VALUE\n` each; `None` when they are none, or speak of a sparse file.
    pub(super) fn read_pax(&mut self, mut records: &[u8]) -> Option<()> {
        while !records.is_empty() {
            let space = records.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
            let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
            records = &records[length..];
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let value = record[equals + 1..].to_owned();
            match &record[..equals] {
                b"path" => self.path = Some(value),
                b"linkpath" => self.link = Some(value),
                b"size" => self.size = Some(std::str::from_utf8(&value).ok()?.parse().ok()?),
                key if key.starts_with(b"GNU.sparse") => return None,
                _ => {}
            }
        }
        Some(())
    }
}
