#include "op.h"

#include <memory>
#include <stdexcept>

#include "tensorflow/c/ops.h"

namespace alignflow {

int64_t elements(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t length : shape) count *= length;
  return count;
}

Run::Run(TF_OpKernelContext* context, const float* attributes)
    : context_(context), status_(TF_NewStatus()), attributes_(attributes) {
  for (int i = 0; i < TF_NumInputs(context); i++) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context, i, &tensor, status_);
    Shape shape;
    for (int axis = 0; axis < TF_NumDims(tensor); axis++) shape.push_back(TF_Dim(tensor, axis));
    inputs_.push_back(tensor);
    shapes_.push_back(shape);
  }
}

Run::~Run() {
  for (TF_Tensor* tensor : inputs_) TF_DeleteTensor(tensor);
  for (TF_Tensor* tensor : outputs_) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status_);
}

TF_DataType Run::type(int input) const { return TF_TensorType(inputs_[input]); }

bool Run::givesBfloat16(int output) const { return TF_ExpectedOutputDataType(context_, output) == TF_BFLOAT16; }

const void* Run::data(int input) const { return TF_TensorData(inputs_[input]); }

void* Run::allocate(int output, TF_DataType type, const Shape& shape) {
  const size_t bytes = elements(shape) * TF_DataTypeSize(type);
  TF_Tensor* tensor = TF_AllocateOutput(context_, output, type, shape.data(), shape.size(), bytes, status_);
  check();
  outputs_.push_back(tensor);
  return TF_TensorData(tensor);
}

void* Run::reuse(int output, TF_DataType wanted, int input) {
  const Shape& shape = shapes_[input];
  if (type(input) != wanted) return allocate(output, wanted, shape);
  // Our own handle on the input would count as somebody else who needs it.
  TF_DeleteTensor(inputs_[input]);
  inputs_[input] = nullptr;
  TF_Tensor* tensor = TF_ForwardInputOrAllocateOutput(context_, &input, 1, output, shape.data(), shape.size(), nullptr, status_);
  check();
  outputs_.push_back(tensor);
  return TF_TensorData(tensor);
}

void Run::handOn(int output, int input) {
  TF_SetOutput(context_, output, inputs_[input], status_);
  check();
}

void Run::expect(bool holds, const char* message) const {
  if (!holds) throw std::invalid_argument(message);
}

void Run::check() const {
  if (TF_GetCode(status_) != TF_OK) throw std::runtime_error(TF_Message(status_));
}

namespace {

/** A kernel of one node of a graph: what to compute, with its attributes. */
struct Kernel {
  const Op* op;
  std::vector<float> attributes;
};

void compute(void* kernel, TF_OpKernelContext* context) {
  const Kernel& own = *static_cast<Kernel*>(kernel);
  Run run(context, own.attributes.data());
  try {
    own.op->compute(run);
  } catch (const std::exception& error) {
    TF_Status* status = TF_NewStatus();
    TF_SetStatus(status, TF_INVALID_ARGUMENT, (std::string(own.op->name) + ": " + error.what()).c_str());
    TF_OpKernelContext_Failure(context, status);
    TF_DeleteStatus(status);
  }
}

/** Ops by name. The C interface makes a kernel from nothing but its node, which knows the name. */
std::vector<std::unique_ptr<Op>>& ops() {
  static auto* const all = new std::vector<std::unique_ptr<Op>>;
  return *all;
}

template <int kIndex>
void* create(TF_OpKernelConstruction* construction) {
  auto* kernel = new Kernel{ops()[kIndex].get(), {}};
  TF_Status* status = TF_NewStatus();
  for (const char* name : kernel->op->numbers) {
    float value = 0;
    TF_OpKernelConstruction_GetAttrFloat(construction, name, &value, status);
    kernel->attributes.push_back(value);
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return kernel;
}

template <int kIndex>
void inferShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  const Op& op = *ops()[kIndex];
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  for (size_t i = 0; i < op.shapes.size(); i++) {
    if (op.shapes[i] < 0) continue;
    TF_ShapeInferenceContextGetInput(context, op.shapes[i], shape, status);
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, i, shape, status);
  }
  TF_DeleteShapeHandle(shape);
}

typedef void* (*Create)(TF_OpKernelConstruction*);
typedef void (*InferShapes)(TF_ShapeInferenceContext*, TF_Status*);
constexpr int kMostOps = 32;

/** One function for each place in `ops`: a function is all that the C interface takes. */
template <int... kIndices>
std::pair<Create, InferShapes> functionsOf(int index, std::integer_sequence<int, kIndices...>) {
  static const Create creates[] = {create<kIndices>...};
  static const InferShapes infers[] = {inferShapes<kIndices>...};
  return {creates[index], infers[index]};
}

void destroy(void* kernel) { delete static_cast<Kernel*>(kernel); }

}  // namespace

void registerOp(const Op& op) {
  const int index = ops().size();
  if (index >= kMostOps) throw std::length_error("more ops than there are functions for them");
  ops().push_back(std::make_unique<Op>(op));
  const auto [makeKernel, infer] = functionsOf(index, std::make_integer_sequence<int, kMostOps>());
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(op.name);
  for (const char* input : op.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : op.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  for (const char* type : op.types) TF_OpDefinitionBuilderAddAttr(builder, (std::string(type) + ": {float, bfloat16}").c_str());
  for (const char* number : op.numbers) TF_OpDefinitionBuilderAddAttr(builder, (std::string(number) + ": float").c_str());
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, infer);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(builder, status);
  if (TF_GetCode(status) == TF_OK) {
    for (const char* device : op.devices) {
      TF_KernelBuilder* kernel = TF_NewKernelBuilder(op.name, device, makeKernel, compute, destroy);
      TF_RegisterKernelBuilder(op.name, kernel, status);
    }
  }
  const std::string message = TF_GetCode(status) == TF_OK ? "" : TF_Message(status);
  TF_DeleteStatus(status);
  if (!message.empty()) throw std::runtime_error(message);
}

}  // namespace alignflow
