#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace alignflow {
namespace {

/** Waking a thread takes as long as going through so many floats. */
constexpr int64_t kWorthAThread = 1 << 14;

/** Parts for each thread, so that one which is late does less. */
constexpr int64_t kPartsEach = 4;

/** Work of which any thread may take the next part. Lives until the last thread has let go of it. */
struct Job {
  const std::function<void(int64_t, int64_t)>* work;
  int64_t count;
  int64_t parts;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> left;
  std::mutex mutex;
  std::condition_variable done;

  void help() {
    for (int64_t part = next++; part < parts; part = next++) {
      (*work)(part * count / parts, (part + 1) * count / parts);
      if (--left == 0) {
        std::lock_guard<std::mutex> lock(mutex);
        done.notify_all();
      }
    }
  }
};

class Pool {
 public:
  Pool() {
    for (int64_t i = 1; i < threads; i++) std::thread([this] { serve(); }).detach();
  }

  void run(int64_t count, int64_t parts, const std::function<void(int64_t, int64_t)>& work) {
    const auto job = std::make_shared<Job>();
    job->work = &work;
    job->count = count;
    job->parts = parts;
    job->left = parts;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (int64_t i = 1; i < std::min(threads, parts); i++) waiting_.push_back(job);
    }
    wake_.notify_all();
    job->help();
    std::unique_lock<std::mutex> lock(job->mutex);
    job->done.wait(lock, [&] { return job->left == 0; });
  }

  const int64_t threads = std::max(1u, std::thread::hardware_concurrency());

 private:
  void serve() {
    for (;;) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [this] { return !waiting_.empty(); });
        job = waiting_.front();
        waiting_.pop_front();
      }
      job->help();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> waiting_;
};

/** Never destroyed: its threads may wait when the process ends. */
Pool& pool() {
  static Pool* const only = new Pool;
  return *only;
}

}  // namespace

void parallel(int64_t count, int64_t cost, const std::function<void(int64_t, int64_t)>& work) {
  if (count == 0) return;
  const int64_t worth = count * cost / kWorthAThread;
  const int64_t parts = std::min({count, worth, pool().threads * kPartsEach});
  if (parts <= 1 || pool().threads == 1) return work(0, count);
  pool().run(count, parts, work);
}

}  // namespace alignflow
