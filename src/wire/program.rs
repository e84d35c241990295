//! Programs of classic BPF, `struct sock_filter` of linux/filter.h.

use super::value::Value;

/// The most instructions of a program, BPF_MAXINSNS.
pub const MOST: usize = 4096;
/// The size of an instruction in bytes.
pub const INSTRUCTION: usize = 8;

/// The instructions of a program as tuples: code, jump if true, jump if false, and the operand.
pub fn read(bytes: &[u8]) -> Value {
    let (instructions, _) = bytes.as_chunks::<INSTRUCTION>();
    let tuple = |[a, b, jt, jf, k @ ..]: &[u8; INSTRUCTION]| {
        let code = i64::from(u16::from_ne_bytes([*a, *b]));
        let numbers = [code, i64::from(*jt), i64::from(*jf), i64::from(u32::from_ne_bytes(*k))];
        Value::Tuple(numbers.map(Value::Int).to_vec())
    };
    Value::List(instructions.iter().map(tuple).collect())
}

/// Encodes a program of 1 to [`MOST`] instructions.
pub fn write(value: &Value) -> Option<Vec<u8>> {
    let Value::List(list) = value else {
        return None;
    };
    if list.is_empty() || list.len() > MOST {
        return None;
    }
    let mut bytes = Vec::new();
    for instruction in list {
        let Value::Tuple(numbers) = instruction else {
            return None;
        };
        let [code, jt, jf, k] = numbers.as_slice() else {
            return None;
        };
        bytes.extend(u16::try_from(code.int()?).ok()?.to_ne_bytes());
        bytes.push(u8::try_from(jt.int()?).ok()?);
        bytes.push(u8::try_from(jf.int()?).ok()?);
        bytes.extend(u32::try_from(k.int()?).ok()?.to_ne_bytes());
    }
    Some(bytes)
}
