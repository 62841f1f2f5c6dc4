//! One column's value as both databases can hold it, and the sum by which tables are compared.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Id([u8; 16]),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// Bytes in memory, roughly.
    pub(super) fn weight(&self) -> usize {
        match self {
            Value::Text(text) => 24 + text.len(),
            Value::Bytes(bytes) => 24 + bytes.len(),
            _ => 24,
        }
    }

    pub(super) fn as_id(&self) -> Option<[u8; 16]> {
        match self {
            Value::Id(id) => Some(*id),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The sum of a table's rows, in whatever order they come: 64 bits of a hash over each row's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub rows: u64,
    pub sum: u64,
}

impl Sum {
    pub(super) fn add(&mut self, row: &[Value]) {
        let mut hasher = SipHasher24::new();
        for value in row {
            let mut put = |tag: u8, bytes: &[u8]| {
                hasher.write_u8(tag);
                hasher.write(&(bytes.len() as u64).to_le_bytes());
                hasher.write(bytes);
            };
            match value {
                Value::Null => put(0, &[]),
                Value::Int(number) => put(1, &number.to_le_bytes()),
                Value::Id(id) => put(2, id),
                Value::Text(text) => put(3, text.as_bytes()),
                Value::Bytes(bytes) => put(4, bytes),
            }
        }
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[Value]]) -> Sum {
        let mut sum = Sum::default();
        rows.iter().for_each(|row| sum.add(row));
        sum
    }

    #[test]
    fn the_order_of_rows_is_not_summed_and_every_value_and_its_place_is() {
        let text = |t: &str| Value::Text(t.into());
        let (a, b): (&[Value], &[Value]) =
            (&[Value::Int(1), text("x")], &[Value::Int(2), text("y")]);
        assert_eq!(sum(&[a, b]), sum(&[b, a]));
        let others: [&[&[Value]]; 6] = [
            &[a],
            &[a, a],
            &[&[text("x"), Value::Int(1)], b],
            &[&[Value::Int(1), text("xy")], &[Value::Int(2), text("")]],
            &[&[Value::Int(1), Value::Null], b],
            &[&[Value::Int(1), Value::Bytes(b"x".to_vec())], b],
        ];
        for other in others {
            assert_ne!(sum(&[a, b]), sum(other), "{other:?}");
        }
    }
}
