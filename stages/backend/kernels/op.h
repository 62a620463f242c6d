// What a kernel sees of TensorFlow: inputs, outputs and attributes, by the C interface (tensorflow/c/kernels.h), which is the same for
// every compiler.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "vector.h"

namespace alignflow {

typedef std::vector<int64_t> Shape;

/** Number of elements. */
int64_t elements(const Shape& shape);

/** One run of an op. What is wrong with its inputs is thrown as text, and becomes the error of the op. */
class Run {
 public:
  Run(TF_OpKernelContext* context, const float* attributes);
  ~Run();
  Run(const Run&) = delete;

  TF_DataType type(int input) const;
  bool isBfloat16(int input) const { return type(input) == TF_BFLOAT16; }
  /** Whether an output is to be bfloat16. */
  bool givesBfloat16(int output) const;
  const Shape& shape(int input) const { return shapes_[input]; }
  int64_t size(int input) const { return elements(shapes_[input]); }
  /** Length of the last axis. */
  int64_t width(int input) const { return shapes_[input].empty() ? 1 : shapes_[input].back(); }
  /** Product of the axes before the last one. */
  int64_t rows(int input) const { return width(input) == 0 ? 0 : size(input) / width(input); }
  template <class T>
  const T* in(int input) const { return static_cast<const T*>(data(input)); }
  /** A new output. */
  template <class T>
  T* out(int output, const Shape& shape) { return static_cast<T*>(allocate(output, typeOf(static_cast<T*>(nullptr)), shape)); }
  /** An output of the shape of an input, in its memory where nobody else needs it and the type is the same. */
  template <class T>
  T* over(int output, int input) { return static_cast<T*>(reuse(output, typeOf(static_cast<T*>(nullptr)), input)); }
  /** An output that is an input. */
  void handOn(int output, int input);
  float attribute(int i) const { return attributes_[i]; }
  /** Throws `message` unless `holds`. */
  void expect(bool holds, const char* message) const;

 private:
  static TF_DataType typeOf(float*) { return TF_FLOAT; }
  static TF_DataType typeOf(bfloat16*) { return TF_BFLOAT16; }
  const void* data(int input) const;
  void* allocate(int output, TF_DataType type, const Shape& shape);
  void* reuse(int output, TF_DataType type, int input);
  void check() const;

  TF_OpKernelContext* context_;
  TF_Status* status_;
  const float* attributes_;
  std::vector<TF_Tensor*> inputs_;
  std::vector<Shape> shapes_;
  std::vector<TF_Tensor*> outputs_;
};

/** An op as TensorFlow is told of it. */
struct Op {
  const char* name;
  /** For instance `x: T`. */
  std::vector<const char*> inputs;
  std::vector<const char*> outputs;
  /** Types, for instance `T`: float or bfloat16. */
  std::vector<const char*> types;
  /** Numbers, for instance `eps`. */
  std::vector<const char*> numbers;
  /** For each output the input whose shape it has, or -1. */
  std::vector<int> shapes;
  void (*compute)(Run& run);
  std::vector<const char*> devices = {"CPU"};
};

/** Registers an op and its kernel. Throws TensorFlow's message. */
void registerOp(const Op& op);

/** Calls `f` with a null pointer of the type of an input, float or bfloat16. */
template <class F>
void byType(bool isBfloat16, F f) {
  if (isBfloat16) f(static_cast<bfloat16*>(nullptr));
  else f(static_cast<float*>(nullptr));
}

}  // namespace alignflow
