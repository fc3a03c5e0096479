//! Forward passes written from the definitions, with the plainest loops there are: in `f64`, and
//! over quantized integers.

use super::network::{Array, StateDict};

/// Channels, height, width and values of one sample's activations.
#[derive(Debug, Clone)]
pub struct Activations<T> {
    pub shape: [usize; 3],
    pub values: Vec<T>,
}

impl<T: Copy> Activations<T> {
    pub fn at(&self, channel: usize, row: usize, column: usize) -> T {
        let [_, height, width] = self.shape;
        self.values[(channel * height + row) * width + column]
    }
}

/// What a network's layers compute; everything around them is the same for all arithmetics.
pub trait Layers<T> {
    /// A convolution with stride 1, padded by `padding` on all sides.
    fn conv(&self, name: &str, x: &Activations<T>, padding: usize) -> Activations<T>;

    fn linear(&self, name: &str, x: &[T]) -> Vec<T>;
}

/// LeNet-5 on one sample.
pub fn lenet5<T: Copy + PartialOrd + Default>(layers: &impl Layers<T>, x: &Activations<T>) -> Vec<T> {
    let x = max_pool(&relu_2d(layers.conv("conv1", x, 2)));
    let x = max_pool(&relu_2d(layers.conv("conv2", &x, 0)));
    let x = relu(layers.linear("fc1", &x.values));
    let x = relu(layers.linear("fc2", &x));
    layers.linear("fc3", &x)
}

fn relu<T: Copy + PartialOrd + Default>(values: Vec<T>) -> Vec<T> {
    values.into_iter().map(|x| if x > T::default() { x } else { T::default() }).collect()
}

fn relu_2d<T: Copy + PartialOrd + Default>(x: Activations<T>) -> Activations<T> {
    Activations { values: relu(x.values), ..x }
}

/// Over 2 x 2 windows that do not overlap; what is left over at an edge is dropped.
fn max_pool<T: Copy + PartialOrd>(x: &Activations<T>) -> Activations<T> {
    let [channels, height, width] = x.shape;
    let shape = [channels, height / 2, width / 2];
    let mut values = Vec::new();
    for channel in 0..channels {
        for row in 0..shape[1] {
            for column in 0..shape[2] {
                let mut max = x.at(channel, 2 * row, 2 * column);
                for (i, j) in [(0, 1), (1, 0), (1, 1)] {
                    let other = x.at(channel, 2 * row + i, 2 * column + j);
                    if other > max {
                        max = other;
                    }
                }
                values.push(max);
            }
        }
    }
    Activations { shape, values }
}

/// Calls `sum` with the inputs under each window of a convolution, `None` where it covers padding,
/// in the order of a filter's weights; once for each output channel and position.
fn windows<T: Copy>(
    x: &Activations<T>,
    weight: &Array,
    padding: usize,
    mut sum: impl FnMut(usize, &[Option<T>]) -> T,
) -> Activations<T> {
    let &[outputs, channels, kernel, _] = weight.shape.as_slice() else { panic!("a filter of {:?}", weight.shape) };
    let [_, height, width] = x.shape;
    let shape = [outputs, height + 2 * padding + 1 - kernel, width + 2 * padding + 1 - kernel];
    let inside = |position: usize, size: usize| position.checked_sub(padding).filter(|&position| position < size);
    let mut values = Vec::new();
    for output in 0..outputs {
        for row in 0..shape[1] {
            for column in 0..shape[2] {
                let mut window = Vec::new();
                for channel in 0..channels {
                    for i in 0..kernel {
                        for j in 0..kernel {
                            let place = inside(row + i, height).zip(inside(column + j, width));
                            window.push(place.map(|(row, column)| x.at(channel, row, column)));
                        }
                    }
                }
                values.push(sum(output, &window));
            }
        }
    }
    Activations { shape, values }
}

/// A weight's row of one output, and its bias.
fn row<'a>(weights: &'a StateDict, layer: &str, output: usize) -> (&'a [f32], f32) {
    let weight = weights.get(&format!("{layer}.weight"));
    let depth = weight.values.len() / weight.shape[0];
    (&weight.values[output * depth..][..depth], weights.get(&format!("{layer}.bias")).values[output])
}

/// Real arithmetic in `f64`.
pub struct Real<'a>(pub &'a StateDict);

impl Real<'_> {
    fn dot(&self, layer: &str, output: usize, x: &[Option<f64>]) -> f64 {
        let (weights, bias) = row(self.0, layer, output);
        let products = x.iter().zip(weights).map(|(x, &w)| x.unwrap_or(0.0) * f64::from(w));
        products.sum::<f64>() + f64::from(bias)
    }
}

impl Layers<f64> for Real<'_> {
    fn conv(&self, name: &str, x: &Activations<f64>, padding: usize) -> Activations<f64> {
        let weight = self.0.get(&format!("{name}.weight"));
        windows(x, weight, padding, |output, window| self.dot(name, output, window))
    }

    fn linear(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let x: Vec<_> = x.iter().copied().map(Some).collect();
        let outputs = self.0.get(&format!("{name}.weight")).shape[0];
        (0..outputs).map(|output| self.dot(name, output, &x)).collect()
    }
}

/// Quantized arithmetic, its scales and zero points from a file of quantization parameters:
/// `acc = sum t[x][w] - z_w * sum x_q - z_x * sum w_q + K * z_x * z_w`, then
/// `f32(f64(acc) * (f64(s_x) * f64(s_w))) + b`.
pub struct Quantized<'a, F> {
    pub weights: &'a StateDict,
    pub qparams: &'a serde_json::Value,
    /// The term that stands for the product of two quantized operands, activation first.
    pub term: F,
}

/// One operand's quantization: `clamp(round_half_even(x / s) + z, q_min, q_max)`.
#[derive(Clone, Copy)]
struct Operand {
    scale: f32,
    zero_point: i64,
    q_min: i64,
    q_max: i64,
}

impl Operand {
    fn of(json: &serde_json::Value, output: usize) -> Self {
        let entry = |key: &str| match &json[key] {
            serde_json::Value::Array(values) => &values[if values.len() == 1 { 0 } else { output }],
            value => value,
        };
        Operand {
            scale: entry("scale").as_f64().unwrap() as f32,
            zero_point: entry("zero_point").as_i64().unwrap(),
            q_min: json["q_min"].as_i64().unwrap(),
            q_max: json["q_max"].as_i64().unwrap(),
        }
    }

    fn quantize(self, x: f32) -> i64 {
        let steps = f64::from(x / self.scale).round_ties_even() as i64;
        (steps + self.zero_point).clamp(self.q_min, self.q_max)
    }
}

/// One output of quantized layers.
pub trait Dot {
    fn weights(&self) -> &StateDict;

    /// That of `output`, whose operands are `x` and the weight's row.
    fn dot(&self, layer: &str, output: usize, x: &[Option<f32>]) -> f32;
}

impl<F: Fn(i64, i64) -> i64> Quantized<'_, F> {
    /// What is added up for an output, in order: its products, then the zero-point terms; and what becomes of the sum.
    fn additions(&self, layer: &str, output: usize, x: &[Option<f32>]) -> (Vec<i64>, impl Fn(i64) -> f32) {
        let params = &self.qparams["layers"][layer];
        let (input, weight) = (Operand::of(&params["input"], 0), Operand::of(&params["weight"], output));
        let (weights, bias) = row(self.weights, layer, output);
        let (mut additions, mut x_sum, mut w_sum) = (Vec::new(), 0, 0);
        for (x, &w) in x.iter().zip(weights) {
            let x = x.map_or(input.zero_point, |x| input.quantize(x));
            let w = weight.quantize(w);
            additions.push((self.term)(x, w));
            x_sum += x;
            w_sum += w;
        }
        let depth = x.len() as i64;
        additions.extend([-weight.zero_point * x_sum, -input.zero_point * w_sum]);
        additions.push(depth * input.zero_point * weight.zero_point);
        let scale = f64::from(input.scale) * f64::from(weight.scale);
        (additions, move |acc| (acc as f64 * scale) as f32 + bias)
    }
}

impl<F: Fn(i64, i64) -> i64> Dot for Quantized<'_, F> {
    fn weights(&self) -> &StateDict {
        self.weights
    }

    fn dot(&self, layer: &str, output: usize, x: &[Option<f32>]) -> f32 {
        let (additions, number) = self.additions(layer, output, x);
        number(additions.iter().sum())
    }
}

/// Quantized arithmetic whose sums are `sum` of a layer's name and what is added up for an output.
pub struct Accumulated<'a, F, S> {
    pub layers: Quantized<'a, F>,
    pub sum: S,
}

impl<F: Fn(i64, i64) -> i64, S: Fn(&str, &[i64]) -> i64> Dot for Accumulated<'_, F, S> {
    fn weights(&self) -> &StateDict {
        self.layers.weights
    }

    fn dot(&self, layer: &str, output: usize, x: &[Option<f32>]) -> f32 {
        let (additions, number) = self.layers.additions(layer, output, x);
        number((self.sum)(layer, &additions))
    }
}

impl<D: Dot> Layers<f32> for D {
    fn conv(&self, name: &str, x: &Activations<f32>, padding: usize) -> Activations<f32> {
        let weight = self.weights().get(&format!("{name}.weight"));
        windows(x, weight, padding, |output, window| self.dot(name, output, window))
    }

    fn linear(&self, name: &str, x: &[f32]) -> Vec<f32> {
        let x: Vec<_> = x.iter().copied().map(Some).collect();
        let outputs = self.weights().get(&format!("{name}.weight")).shape[0];
        (0..outputs).map(|output| self.dot(name, output, &x)).collect()
    }
}
