//! A minimal writer of flat buffers, and of the TensorFlow Lite files that tests need: parents before children, so
//! that all distances lead forward.

/// What a field of a table holds.
enum Field {
    /// A number's bytes, the lowest first.
    Number(Vec<u8>),
    /// A count, and the bytes of that many numbers.
    Numbers(usize, Vec<u8>),
    Table(Table),
    Tables(Vec<Table>),
}

/// A table that is being written.
#[derive(Default)]
pub struct Table {
    fields: Vec<(usize, Field)>,
}

impl Table {
    pub fn new() -> Self {
        Table::default()
    }

    fn with(mut self, field: usize, value: Field) -> Self {
        self.fields.push((field, value));
        self
    }

    pub fn byte(self, field: usize, value: u8) -> Self {
        self.with(field, Field::Number(vec![value]))
    }

    pub fn int(self, field: usize, value: i32) -> Self {
        self.with(field, Field::Number(value.to_le_bytes().to_vec()))
    }

    pub fn bytes(self, field: usize, bytes: &[u8]) -> Self {
        self.with(field, Field::Numbers(bytes.len(), bytes.to_vec()))
    }

    pub fn ints(self, field: usize, values: &[i32]) -> Self {
        self.with(field, Field::Numbers(values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect()))
    }

    pub fn longs(self, field: usize, values: &[i64]) -> Self {
        self.with(field, Field::Numbers(values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect()))
    }

    pub fn floats(self, field: usize, values: &[f32]) -> Self {
        self.with(field, Field::Numbers(values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect()))
    }

    pub fn table(self, field: usize, table: Table) -> Self {
        self.with(field, Field::Table(table))
    }

    pub fn tables(self, field: usize, tables: Vec<Table>) -> Self {
        self.with(field, Field::Tables(tables))
    }

    /// Adds the table to a file; returns where it is.
    fn write(self, file: &mut Vec<u8>) -> usize {
        let size = |field: &Field| if let Field::Number(bytes) = field { bytes.len() } else { 4 };
        let mut places = vec![0u16; self.fields.iter().map(|(field, _)| field + 1).max().unwrap_or(0)];
        let mut end = 4;
        for (field, value) in &self.fields {
            places[*field] = end as u16;
            end += size(value);
        }
        let list = file.len();
        let head = [4 + 2 * places.len() as u16, end as u16];
        file.extend(head.iter().chain(&places).flat_map(|place| place.to_le_bytes()));
        let at = file.len();
        file.extend(((at - list) as i32).to_le_bytes());
        file.resize(at + end, 0);
        for (field, value) in self.fields {
            let place = at + usize::from(places[field]);
            match value {
                Field::Number(bytes) => file[place..place + bytes.len()].copy_from_slice(&bytes),
                Field::Numbers(count, bytes) => {
                    let start = file.len();
                    link(file, place, start);
                    file.extend((count as u32).to_le_bytes());
                    file.extend(bytes);
                }
                Field::Table(table) => {
                    let child = table.write(file);
                    link(file, place, child);
                }
                Field::Tables(tables) => {
                    let start = file.len();
                    link(file, place, start);
                    file.extend((tables.len() as u32).to_le_bytes());
                    file.resize(start + 4 + 4 * tables.len(), 0);
                    for (i, table) in tables.into_iter().enumerate() {
                        let child = table.write(file);
                        link(file, start + 4 + 4 * i, child);
                    }
                }
            }
        }
        at
    }
}

/// Puts the distance to `child` at `place`.
fn link(file: &mut [u8], place: usize, child: usize) {
    file[place..place + 4].copy_from_slice(&((child - place) as u32).to_le_bytes());
}

/// The elements of a tensor, as the schema numbers their types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Float = 0,
    Half = 1,
    Int = 2,
    Unsigned = 3,
    Signed = 9,
    Nibble = 17,
}

/// A TensorFlow Lite file that is being written.
#[derive(Default)]
pub struct Net {
    tensors: Vec<Table>,
    buffers: Vec<Table>,
    codes: Vec<Table>,
    operators: Vec<Table>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
}

/// Scales and zero points, and the axis of several.
pub type Scales<'a> = (&'a [f32], &'a [i64], i32);

impl Net {
    pub fn new() -> Self {
        Net { buffers: vec![Table::new()], ..Net::default() }
    }

    /// A tensor with these fields, constant where there are bytes.
    pub fn tensor(
        &mut self,
        name: &str,
        (ty, shape): (Type, &[i32]),
        scales: Option<Scales>,
        data: Option<&[u8]>,
    ) -> i32 {
        let mut tensor = Table::new().ints(0, shape).byte(1, ty as u8).bytes(3, name.as_bytes());
        if let Some(data) = data {
            tensor = tensor.int(2, self.buffers.len() as i32);
            self.buffers.push(Table::new().bytes(0, data));
        }
        if let Some((scales, zero_points, axis)) = scales {
            let quantization = Table::new().floats(2, scales).longs(3, zero_points).int(6, axis);
            tensor = tensor.table(4, quantization);
        }
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    /// A computed tensor of real numbers.
    pub fn value(&mut self, name: &str, shape: &[i32]) -> i32 {
        self.tensor(name, (Type::Float, shape), None, None)
    }

    /// A computed tensor of bytes, of one scale and zero point.
    pub fn grid(&mut self, name: &str, shape: &[i32], scale: f32, zero_point: i64) -> i32 {
        self.tensor(name, (Type::Signed, shape), Some((&[scale], &[zero_point], 0)), None)
    }

    pub fn floats(&mut self, name: &str, shape: &[i32], values: &[f32]) -> i32 {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, (Type::Float, shape), None, Some(&bytes))
    }

    pub fn ints(&mut self, name: &str, shape: &[i32], values: &[i32]) -> i32 {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, (Type::Int, shape), None, Some(&bytes))
    }

    /// A constant of signed bytes.
    pub fn signed(&mut self, name: &str, shape: &[i32], scales: Scales, values: &[i8]) -> i32 {
        let bytes: Vec<u8> = values.iter().map(|value| value.cast_unsigned()).collect();
        self.tensor(name, (Type::Signed, shape), Some(scales), Some(&bytes))
    }

    /// An operator by its number, with attributes of a kind.
    pub fn operator(&mut self, code: i32, inputs: &[i32], output: i32, options: Option<(u8, Table)>) {
        let mut operator = Table::new().int(0, self.codes.len() as i32).ints(1, inputs).ints(2, &[output]);
        if let Some((kind, options)) = options {
            operator = operator.byte(3, kind).table(4, options);
        }
        self.codes.push(Table::new().byte(0, code.min(127) as u8).int(3, code));
        self.operators.push(operator);
    }

    /// An operator that is not built in.
    pub fn custom(&mut self, name: &str, inputs: &[i32], output: i32) {
        let operator = Table::new().int(0, self.codes.len() as i32).ints(1, inputs).ints(2, &[output]);
        self.codes.push(Table::new().byte(0, 32).bytes(1, name.as_bytes()));
        self.operators.push(operator);
    }

    /// The file; its last byte is one of the last constant's.
    pub fn bytes(self) -> Vec<u8> {
        let graph = Table::new().tables(0, self.tensors).ints(1, &self.inputs).ints(2, &self.outputs);
        let graph = graph.tables(3, self.operators);
        let model = Table::new().int(0, 3).tables(1, self.codes).tables(2, vec![graph]).tables(4, self.buffers);
        let mut file = vec![0, 0, 0, 0, b'T', b'F', b'L', b'3'];
        let root = model.write(&mut file);
        link(&mut file, 0, root);
        file
    }
}

/// `Conv2DOptions`.
pub fn conv(padding: u8, stride: [i32; 2], activation: u8, dilation: [i32; 2]) -> (u8, Table) {
    let options = Table::new().byte(0, padding).int(1, stride[1]).int(2, stride[0]).byte(3, activation);
    (1, options.int(4, dilation[1]).int(5, dilation[0]))
}

/// A small network of bytes: a convolution, a pooling, a reshape and a fully connected layer, of 4 x 4 images.
pub fn small() -> Vec<u8> {
    let mut net = Net::new();
    let x = net.grid("input", &[1, 4, 4, 1], 0.5, -3);
    let weight: Vec<i8> = (0..18).map(|i| (i * 7 % 19 - 9) as i8).collect();
    let weight = net.signed("net/conv/Conv2D", &[2, 3, 3, 1], (&[0.25, 0.5], &[0, 0], 0), &weight);
    let bias = net.ints("net/conv/BiasAdd", &[2], &[5, -6]);
    let y = net.grid("net/conv/Relu", &[1, 4, 4, 2], 0.75, -128);
    net.operator(3, &[x, weight, bias], y, Some(conv(0, [1, 1], 1, [1, 1])));
    let pooled = net.grid("net/pool/MaxPool", &[1, 2, 2, 2], 0.75, -128);
    let pool = Table::new().byte(0, 1).int(1, 2).int(2, 2).int(3, 2).int(4, 2);
    net.operator(17, &[y], pooled, Some((5, pool)));
    let sizes = net.ints("net/flatten/Const", &[2], &[-1, 8]);
    let flat = net.grid("net/flatten/Reshape", &[1, 8], 0.75, -128);
    net.operator(22, &[pooled, sizes], flat, None);
    let weight: Vec<i8> = (0..24).map(|i| (i * 5 % 17 - 8) as i8).collect();
    let bias = net.ints("net/dense/BiasAdd", &[3], &[1, 2, 3]);
    let logits = net.grid("net/dense/MatMul;net/dense/BiasAdd", &[1, 3], 1.5, 4);
    let weight = net.signed("net/dense/MatMul", &[3, 8], (&[0.125], &[0], 0), &weight);
    net.operator(9, &[flat, weight, bias], logits, Some((8, Table::new())));
    (net.inputs, net.outputs) = (vec![x], vec![logits]);
    net.bytes()
}
