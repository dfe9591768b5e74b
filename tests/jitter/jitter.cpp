// A library to preload (LD_PRELOAD) into a program with threads: now and then it lets one wait, a
// few milliseconds, where threads meet each other, the network or the disk. What only holds on a
// quiet machine then fails within a few runs. JITTER is the seed; a quarter of the threads, others
// with each seed, are slow ones.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

namespace {

using namespace std::chrono_literals;

class Jitter {
 public:
  // Once in so many calls, for up to `longest`.
  void wait(unsigned calls, std::chrono::microseconds longest) {
    if (waiting_) return;  // in what a wait itself calls
    waiting_ = true;
    constexpr unsigned kMoreOften = 8;
    if (random_() % (slow_ ? calls / kMoreOften + 1 : calls) == 0)
      std::this_thread::sleep_for(longest * (random_() % 1000) / 1000);
    waiting_ = false;
  }
  static Jitter& of_this_thread() {
    static thread_local Jitter jitter;
    return jitter;
  }

 private:
  static unsigned next_seed() {
    static std::atomic<unsigned> threads = 0;
    const char* seed = std::getenv("JITTER");
    return (static_cast<unsigned>(seed == nullptr ? 1 : std::atoi(seed)) * 1000 + threads++) *
           2654435769U;
  }
  std::minstd_rand random_{next_seed()};
  bool slow_ = random_() % 4 == 0;
  bool waiting_ = false;
};

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc's names are its own.

// Defines the C library's function anew: it waits, and calls the one that it stands in front of.
#define OBSCURA_WAITS(type, name, parameters, arguments, calls, longest)                       \
  extern "C" type name parameters {                                                            \
    static auto* const real = reinterpret_cast<type(*) parameters>(::dlsym(RTLD_NEXT, #name)); \
    Jitter::of_this_thread().wait(calls, longest);                                             \
    return real arguments;                                                                     \
  }

OBSCURA_WAITS(int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex), 400, 3ms)
OBSCURA_WAITS(int, pthread_cond_signal, (pthread_cond_t * condition), (condition), 10, 5ms)
OBSCURA_WAITS(int, pthread_cond_broadcast, (pthread_cond_t * condition), (condition), 10, 5ms)
OBSCURA_WAITS(ssize_t, send, (int file, const void* data, size_t size, int flags),
              (file, data, size, flags), 20, 5ms)
OBSCURA_WAITS(ssize_t, recv, (int file, void* data, size_t size, int flags),
              (file, data, size, flags), 20, 5ms)
OBSCURA_WAITS(ssize_t, sendmsg, (int file, const msghdr* message, int flags),
              (file, message, flags), 20, 5ms)
OBSCURA_WAITS(ssize_t, recvmsg, (int file, msghdr* message, int flags), (file, message, flags), 20,
              5ms)
OBSCURA_WAITS(int, epoll_wait, (int file, epoll_event* events, int most, int milliseconds),
              (file, events, most, milliseconds), 10, 8ms)
OBSCURA_WAITS(int, flock, (int file, int operation), (file, operation), 3, 5ms)
OBSCURA_WAITS(int, rename, (const char* from, const char* to), (from, to), 3, 5ms)
OBSCURA_WAITS(int, fsync, (int file), (file), 5, 20ms)
OBSCURA_WAITS(int, fdatasync, (int file), (file), 5, 20ms)

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
