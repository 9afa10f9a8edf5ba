/** @file The typed arrays of ONNX Runtime's tensors, by type; half precision is in the platform's hands, and not among them. */
export const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};
