/** One wheel of the Python package index: what is fetched, how it is checked, and what is taken out of it. */
export interface Wheel {
  /** Project name on the index. */
  readonly project: string;
  readonly version: string;
  /** File name on the index; its last part names the platform. */
  readonly file: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Members to unpack: a path that ends in `/` stands for everything under it. */
  readonly members: readonly string[];
  /** Size of those members when unpacked, rounded up. */
  readonly unpackedBytes: number;
  /** Members that the addon is linked to. */
  readonly libraries: readonly string[];
}

/** TensorFlow of all wheels below. */
export const tensorflowVersion = '2.21.0';

/**
 * The Node-API version that the addon asks for. Node 20 and everything newer offer it, and Node-API is binary compatible
 * over Node versions, so one build serves all.
 */
export const nodeApiVersion = 8;

/** The headers that the addon needs, directly or not (`g++ -M`); the wheel holds 13,000 more. */
const headers = [
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/common_runtime/next_pluggable_device/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tsl/platform/',
  'tensorflow/include/xla/tsl/c/',
];
const linuxLibraries = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];
const macLibraries = ['tensorflow/libtensorflow_cc.2.dylib', 'tensorflow/libtensorflow_framework.2.dylib'];

/**
 * TensorFlow itself. The wheels of one platform differ by Python version only in the Python modules, and the libraries
 * know nothing of Python, so one Python version (3.11) stands for all, whatever the user has.
 */
export const tensorflow = {
  'linux-x64-cpu': {
    project: 'tensorflow-cpu',
    version: tensorflowVersion,
    file: 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    bytes: 273829956,
    members: [...headers, ...linuxLibraries],
    unpackedBytes: 860_000_000,
    libraries: linuxLibraries,
  },
  'linux-x64-gpu': {
    project: 'tensorflow',
    version: tensorflowVersion,
    file: 'tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    bytes: 572440367,
    members: [...headers, ...linuxLibraries],
    unpackedBytes: 1_270_000_000,
    libraries: linuxLibraries,
  },
  'linux-arm64-cpu': {
    project: 'tensorflow',
    version: tensorflowVersion,
    file: 'tensorflow-2.21.0-cp311-cp311-manylinux_2_27_aarch64.whl',
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    bytes: 281828020,
    members: [...headers, ...linuxLibraries],
    unpackedBytes: 890_000_000,
    libraries: linuxLibraries,
  },
  'darwin-arm64-cpu': {
    project: 'tensorflow',
    version: tensorflowVersion,
    file: 'tensorflow-2.21.0-cp311-cp311-macosx_12_0_arm64.whl',
    sha256: '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
    bytes: 223405849,
    members: [...headers, ...macLibraries],
    unpackedBytes: 750_000_000,
    libraries: macLibraries,
  },
} as const satisfies Record<string, Wheel>;

/**
 * CUDA for TensorFlow on Linux x64: the wheels of TensorFlow's own extra `and-cuda`, each at the lowest version that it
 * allows, which is the one that TensorFlow was built with. `cuda_nvcc` holds no library to link, but the assembler and
 * the device code that XLA looks for beside the libraries.
 */
export const cuda: readonly Wheel[] = [
  {
    project: 'nvidia-cublas-cu12',
    version: '12.5.3.2',
    file: 'nvidia_cublas_cu12-12.5.3.2-py3-none-manylinux2014_x86_64.whl',
    sha256: 'ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b',
    bytes: 363313169,
    members: ['nvidia/cublas/lib/'],
    unpackedBytes: 552_000_000,
    libraries: ['nvidia/cublas/lib/libcublas.so.12', 'nvidia/cublas/lib/libcublasLt.so.12'],
  },
  {
    project: 'nvidia-cuda-cupti-cu12',
    version: '12.5.82',
    file: 'nvidia_cuda_cupti_cu12-12.5.82-py3-none-manylinux2014_x86_64.whl',
    sha256: 'bde77a5feb66752ec61db2adfe47f56b941842825b4c7e2068aff27c9d107953',
    bytes: 13811507,
    members: ['nvidia/cuda_cupti/lib/'],
    unpackedBytes: 44_000_000,
    libraries: ['nvidia/cuda_cupti/lib/libcupti.so.12'],
  },
  {
    project: 'nvidia-cuda-nvcc-cu12',
    version: '12.5.82',
    file: 'nvidia_cuda_nvcc_cu12-12.5.82-py3-none-manylinux2014_x86_64.whl',
    sha256: 'b03e545b8e8c3ce7ebcd7fc44063180ff52ff01d064ece2127ed90a04ef12cd0',
    bytes: 22468537,
    members: ['nvidia/cuda_nvcc/bin/', 'nvidia/cuda_nvcc/nvvm/'],
    unpackedBytes: 59_000_000,
    libraries: [],
  },
  {
    project: 'nvidia-cuda-nvrtc-cu12',
    version: '12.5.82',
    file: 'nvidia_cuda_nvrtc_cu12-12.5.82-py3-none-manylinux2014_x86_64.whl',
    sha256: '3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd',
    bytes: 24873108,
    members: ['nvidia/cuda_nvrtc/lib/'],
    unpackedBytes: 69_000_000,
    libraries: ['nvidia/cuda_nvrtc/lib/libnvrtc.so.12'],
  },
  {
    project: 'nvidia-cuda-runtime-cu12',
    version: '12.5.82',
    file: 'nvidia_cuda_runtime_cu12-12.5.82-py3-none-manylinux2014_x86_64.whl',
    sha256: '3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115',
    bytes: 895707,
    members: ['nvidia/cuda_runtime/lib/'],
    unpackedBytes: 1_000_000,
    libraries: ['nvidia/cuda_runtime/lib/libcudart.so.12'],
  },
  {
    project: 'nvidia-cudnn-cu12',
    version: '9.3.0.75',
    file: 'nvidia_cudnn_cu12-9.3.0.75-py3-none-manylinux2014_x86_64.whl',
    sha256: '9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d',
    bytes: 577163502,
    members: ['nvidia/cudnn/lib/'],
    unpackedBytes: 886_000_000,
    libraries: ['nvidia/cudnn/lib/libcudnn.so.9'],
  },
  {
    project: 'nvidia-cufft-cu12',
    version: '11.2.3.61',
    file: 'nvidia_cufft_cu12-11.2.3.61-py3-none-manylinux2014_x86_64.whl',
    sha256: '9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8',
    bytes: 192524114,
    members: ['nvidia/cufft/lib/'],
    unpackedBytes: 279_000_000,
    libraries: ['nvidia/cufft/lib/libcufft.so.11'],
  },
  {
    project: 'nvidia-curand-cu12',
    version: '10.3.6.82',
    file: 'nvidia_curand_cu12-10.3.6.82-py3-none-manylinux2014_x86_64.whl',
    sha256: '2823fb27de4e44dbb22394a6adf53aa6e1b013aca0f8c22867d1cfae58405536',
    bytes: 56309107,
    members: ['nvidia/curand/lib/'],
    unpackedBytes: 97_000_000,
    libraries: ['nvidia/curand/lib/libcurand.so.10'],
  },
  {
    project: 'nvidia-cusolver-cu12',
    version: '11.6.3.83',
    file: 'nvidia_cusolver_cu12-11.6.3.83-py3-none-manylinux2014_x86_64.whl',
    sha256: '93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b',
    bytes: 130341232,
    members: ['nvidia/cusolver/lib/'],
    unpackedBytes: 219_000_000,
    libraries: ['nvidia/cusolver/lib/libcusolver.so.11'],
  },
  {
    project: 'nvidia-cusparse-cu12',
    version: '12.5.1.3',
    file: 'nvidia_cusparse_cu12-12.5.1.3-py3-none-manylinux2014_x86_64.whl',
    sha256: '016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752',
    bytes: 217558979,
    members: ['nvidia/cusparse/lib/'],
    unpackedBytes: 296_000_000,
    libraries: ['nvidia/cusparse/lib/libcusparse.so.12'],
  },
  {
    project: 'nvidia-nccl-cu12',
    version: '2.27.7',
    file: 'nvidia_nccl_cu12-2.27.7-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    sha256: 'de5ba5562f08029a19cb1cd659404b18411ed0d6c90ac5f52f30bf99ad5809aa',
    bytes: 322546339,
    members: ['nvidia/nccl/lib/'],
    unpackedBytes: 431_000_000,
    libraries: ['nvidia/nccl/lib/libnccl.so.2'],
  },
  {
    project: 'nvidia-nvjitlink-cu12',
    version: '12.5.82',
    file: 'nvidia_nvjitlink_cu12-12.5.82-py3-none-manylinux2014_x86_64.whl',
    sha256: 'f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212',
    bytes: 21298879,
    members: ['nvidia/nvjitlink/lib/'],
    unpackedBytes: 55_000_000,
    libraries: ['nvidia/nvjitlink/lib/libnvJitLink.so.12'],
  },
];
