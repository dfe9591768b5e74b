// That the emulation runs kernels as CUDA does, and notices what CUDA leaves undefined. Needs no
// device: it is one.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "backend/cuda/kernels/launch.cuh"

namespace obscura::test::emulation {
namespace {

using backend::cuda::dynamic_shared;
using backend::cuda::launch;

constexpr int kThreads = 64;

// y[block] = the sum of the block's threads: shuffles within warps, shared memory between them.
__global__ void sum_of_block(const float* x, float* y) {
  __shared__ float parts[kThreads / 32];
  int thread = static_cast<int>(threadIdx.x);
  float sum = x[blockIdx.x * blockDim.x + threadIdx.x];
  for (int distance = 16; distance > 0; distance /= 2)
    sum += __shfl_xor_sync(0xffffffffu, sum, distance);
  if (thread % 32 == 0) parts[thread / 32] = sum;
  __syncthreads();
  if (thread == 0) y[blockIdx.x] = parts[0] + parts[1];
}

__global__ void reverse(const float* x, float* y, bool with_barrier) {
  auto* shared = dynamic_shared<float>();
  shared[threadIdx.x] = x[threadIdx.x];
  if (with_barrier) __syncthreads();
  y[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

__global__ void write_at(float* y, long place) {
  y[place] = 1;
}

__global__ void overrun_shared() {
  dynamic_shared<float>()[threadIdx.x + 1] = 1;
}

__global__ void leave_early() {
  if (threadIdx.x >= 40) return;
  __syncthreads();
}

__global__ void two_barriers() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

// Half of a warp waits for the other at a shuffle, which waits for the block.
__global__ void wait_for_one_another(float* y) {
  if (threadIdx.x < 16) {
    y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
  } else {
    __syncthreads();
  }
}

__global__ void shuffle_without_partner(float* y) {
  y[threadIdx.x] = __shfl_xor_sync(0x0000ffffu, 1.0f, 16);
}

__global__ void shuffle(float* y) {
  y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
}

class CudaEmulation : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cudaMalloc(reinterpret_cast<void**>(&x_), kThreads * sizeof(float)), cudaSuccess);
    ASSERT_EQ(cudaMalloc(reinterpret_cast<void**>(&y_), kThreads * sizeof(float)), cudaSuccess);
    std::iota(values_.begin(), values_.end(), 1.0f);
    ASSERT_EQ(cudaMemcpy(x_, values_.data(), kThreads * sizeof(float), cudaMemcpyHostToDevice),
              cudaSuccess);
  }
  void TearDown() override {
    cudaFree(x_);
    cudaFree(y_);
  }

  std::vector<float> result() const {
    std::vector<float> y(kThreads);
    EXPECT_EQ(cudaMemcpy(y.data(), y_, kThreads * sizeof(float), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return y;
  }
  // What a kernel does to the program when it is waited for.
  template <class... Parameters>
  static void run(void (*kernel)(Parameters...), int threads,
                  std::type_identity_t<Parameters>... arguments) {
    static_cast<void>(launch(kernel, 1, static_cast<unsigned>(threads),
                             static_cast<std::size_t>(threads) * sizeof(float), nullptr,
                             arguments...));
    cudaStreamSynchronize(nullptr);
  }

  std::vector<float> values_ = std::vector<float>(kThreads);
  float *x_ = nullptr, *y_ = nullptr;
};

using CudaEmulationDeathTest = CudaEmulation;

TEST_F(CudaEmulation, RunsThreadsTogether) {
  run(sum_of_block, kThreads, x_, y_);
  EXPECT_EQ(result()[0], kThreads * (kThreads + 1) / 2);
  run(reverse, kThreads, x_, y_, true);
  std::vector<float> reversed(values_.rbegin(), values_.rend());
  EXPECT_EQ(result(), reversed);
}

TEST_F(CudaEmulation, RefusesWhatNoDeviceStarts) {
  EXPECT_NE(launch(two_barriers, 1, 1025, 0, nullptr), cudaSuccess);
  EXPECT_NE(launch(two_barriers, 0, 32, 0, nullptr), cudaSuccess);
  EXPECT_NE(launch(two_barriers, 1, 32, 228 * 1024, nullptr), cudaSuccess);
  EXPECT_NE(cudaGetLastError(), cudaSuccess);
}

TEST_F(CudaEmulationDeathTest, NoticesAMissingBarrier) {
  EXPECT_DEATH(run(reverse, kThreads, x_, y_, false),
               "emulated CUDA: .*reverse.*depends on the order of threads");
}

TEST_F(CudaEmulationDeathTest, NoticesWritesOutOfBounds) {
  EXPECT_DEATH(run(write_at, 1, y_, kThreads), "byte 0 behind an allocation of 256 was written");
  EXPECT_DEATH(run(write_at, 1, y_, 1 << 20),
               "write_at.*block \\(0, 0, 0\\), thread \\(0, 0, 0\\).*in no memory");
  EXPECT_DEATH(run(write_at, 1, y_, -1), "write_at.*in no memory");
  EXPECT_DEATH(run(overrun_shared, kThreads), "byte 256 of 256 of its dynamic shared memory");
  EXPECT_DEATH(y_[0] = 1, "memory of the device, from the host");
}

TEST_F(CudaEmulationDeathTest, NoticesDivergentBarriers) {
  EXPECT_DEATH(run(leave_early, kThreads),
               "leave_early.*thread \\(0, 0, 0\\): a divergent barrier.*thread \\(40, 0, 0\\) has "
               "left the kernel");
  EXPECT_DEATH(run(two_barriers, kThreads), "two_barriers.*a divergent barrier");
}

TEST_F(CudaEmulationDeathTest, NoticesThreadsThatWaitForOneAnother) {
  EXPECT_DEATH(run(wait_for_one_another, 32, y_), "wait_for_one_another.*a deadlock");
  EXPECT_DEATH(run(shuffle, 20, y_), "names lane 20, which the block does not have");
  EXPECT_DEATH(run(shuffle_without_partner, 16, y_), "reads lane 16, which is not in mask");
}

// Of two streams that nothing orders, either may be first.
TEST_F(CudaEmulation, OrdersStreamsByEventsAlone) {
  cudaStream_t writes = nullptr, reads = nullptr;
  cudaEvent_t written = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&writes, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaStreamCreateWithFlags(&reads, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&written, cudaEventDisableTiming), cudaSuccess);
  for (Priority priority : {Priority::kOldest, Priority::kNewest}) {
    for (bool waits : {false, true}) {
      set_priority(priority);
      ASSERT_EQ(cudaMemset(y_, 0, kThreads * sizeof(float)), cudaSuccess);
      ASSERT_EQ(launch(write_at, 1, 1, 0, writes, y_, 0), cudaSuccess);
      ASSERT_EQ(cudaEventRecord(written, writes), cudaSuccess);
      if (waits) {
        ASSERT_EQ(cudaStreamWaitEvent(reads, written, 0), cudaSuccess);
      }
      float found = -1;
      ASSERT_EQ(cudaMemcpyAsync(&found, y_, sizeof found, cudaMemcpyDeviceToHost, reads),
                cudaSuccess);
      EXPECT_EQ(found, waits || priority == Priority::kOldest ? 1 : 0);
      ASSERT_EQ(cudaStreamSynchronize(writes), cudaSuccess);
    }
  }
  set_priority(Priority::kOldest);
  cudaEventDestroy(written);
  cudaStreamDestroy(writes);
  cudaStreamDestroy(reads);
}

TEST_F(CudaEmulation, RecordsOnlyWhatCanBeReplayed) {
  cudaStream_t stream = nullptr, other = nullptr;
  cudaEvent_t fork = nullptr, join = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&fork), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&join), cudaSuccess);
  auto record = [&](bool joins, bool allocates) {
    EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    EXPECT_EQ(cudaEventRecord(fork, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(other, fork, 0), cudaSuccess);
    EXPECT_EQ(launch(write_at, 1, 1, 0, other, y_, 1), cudaSuccess);
    EXPECT_EQ(cudaEventRecord(join, other), cudaSuccess);
    if (joins) {
      EXPECT_EQ(cudaStreamWaitEvent(stream, join, 0), cudaSuccess);
    }
    void* memory = nullptr;
    if (allocates) {
      EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorStreamCaptureUnsupported);
    }
    cudaGraph_t graph = nullptr;
    cudaError_t error = cudaStreamEndCapture(stream, &graph);
    return std::pair(error, graph);
  };
  EXPECT_EQ(record(false, false).first, cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(record(true, true).first, cudaErrorStreamCaptureInvalidated);
  auto [error, graph] = record(true, false);
  ASSERT_EQ(error, cudaSuccess);
  cudaGraphExec_t replay = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&replay, graph, 0), cudaSuccess);
  ASSERT_EQ(cudaMemset(y_, 0, kThreads * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(replay, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(result()[1], 1);
  cudaGraphExecDestroy(replay);
  cudaGraphDestroy(graph);
  cudaEventDestroy(fork);
  cudaEventDestroy(join);
  cudaStreamDestroy(stream);
  cudaStreamDestroy(other);
}

}  // namespace
}  // namespace obscura::test::emulation
