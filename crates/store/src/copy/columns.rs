//! Rows as PostgreSQL takes them, column by column, and gives them back.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::tables::{Column, Kind, Table};
use super::value::Value;
use crate::{StoreError, StoreResult};

/// Many rows' values of one column, as a statement over arrays takes them.
pub(super) enum Values {
    Int(Vec<Option<i64>>),
    Id(Vec<Option<Uuid>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Values {
    pub(super) fn parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Values::Int(values) => values,
            Values::Id(values) => values,
            Values::Text(values) => values,
            Values::Bytes(values) => values,
        }
    }
}

pub(super) fn as_columns(table: &'static Table, rows: Vec<Vec<Value>>) -> StoreResult<Vec<Values>> {
    let count = rows.len();
    let mut columns: Vec<Values> = (table.columns.iter())
        .map(|column| match column.kind {
            Kind::Int | Kind::Bool => Values::Int(Vec::with_capacity(count)),
            Kind::Id => Values::Id(Vec::with_capacity(count)),
            Kind::Text => Values::Text(Vec::with_capacity(count)),
            Kind::Bytes => Values::Bytes(Vec::with_capacity(count)),
        })
        .collect();
    for row in rows {
        for ((value, values), column) in row.into_iter().zip(&mut columns).zip(table.columns) {
            match (values, value) {
                (Values::Int(values), Value::Null) => values.push(None),
                (Values::Int(values), Value::Int(number)) => values.push(Some(number)),
                (Values::Id(values), Value::Null) => values.push(None),
                (Values::Id(values), Value::Id(id)) => values.push(Some(Uuid::from_bytes(id))),
                (Values::Text(values), Value::Null) => values.push(None),
                (Values::Text(values), Value::Text(text)) => values.push(Some(text)),
                (Values::Bytes(values), Value::Null) => values.push(None),
                (Values::Bytes(values), Value::Bytes(bytes)) => values.push(Some(bytes)),
                (_, other) => {
                    return Err(StoreError::Inconsistent {
                        table: table.name,
                        row: "?".to_owned(),
                        what: format!("{} holds another kind of value: {other:?}", column.name),
                    });
                }
            }
        }
    }
    Ok(columns)
}

pub(super) fn insert(table: &Table) -> String {
    let list = |part: &dyn Fn(usize, &Column) -> String| {
        let parts = table.columns.iter().enumerate();
        let parts: Vec<String> = parts.map(|(at, column)| part(at, column)).collect();
        parts.join(", ")
    };
    format!(
        "INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS u({})",
        table.name,
        list(&|_, column| column.name.to_owned()),
        list(&|at, column| match column.kind {
            Kind::Bool => format!("u.c{at} <> 0"),
            _ => format!("u.c{at}"),
        }),
        list(&|at, column| format!("${}::{}[]", at + 1, sql_type(column.kind))),
        list(&|at, _| format!("c{at}")),
    )
}

fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Int | Kind::Bool => "bigint",
        Kind::Id => "uuid",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
    }
}

/// The column, as wide as it is compared.
pub(super) fn read_as(column: &Column) -> String {
    match column.kind {
        Kind::Int => format!("{}::bigint", column.name),
        Kind::Bool => format!("{}::int::bigint", column.name),
        _ => column.name.to_owned(),
    }
}

pub(super) fn value(row: &Row, at: usize, kind: Kind) -> Result<Value, tokio_postgres::Error> {
    let found = match kind {
        Kind::Int | Kind::Bool => row.try_get::<_, Option<i64>>(at)?.map(Value::Int),
        Kind::Id => row
            .try_get::<_, Option<Uuid>>(at)?
            .map(|id| Value::Id(id.into_bytes())),
        Kind::Text => row.try_get::<_, Option<String>>(at)?.map(Value::Text),
        Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(at)?.map(Value::Bytes),
    };
    Ok(found.unwrap_or(Value::Null))
}
