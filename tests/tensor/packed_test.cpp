// Blocks are packed here bit by bit from numbers, by the layouts' description, and must come back.
#include "tensor/packed.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

namespace obscura {
namespace {

using Bytes = std::vector<std::uint8_t>;

void push_half(Bytes& bytes, float value) {
  std::uint16_t bits = f32_to_f16(value);
  bytes.push_back(static_cast<std::uint8_t>(bits));
  bytes.push_back(static_cast<std::uint8_t>(bits >> 8));
}

// Sets `count` bits of a little-endian bit string.
void set_bits(Bytes& bytes, std::size_t at, int count, unsigned value) {
  for (int bit = 0; bit < count; ++bit, ++at)
    if (value >> bit & 1u) bytes[at / 8] |= static_cast<std::uint8_t>(1u << at % 8);
}

struct Packed {
  Bytes bytes;
  std::vector<float> values;
};

class Packing {
 public:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  // Q4_0, Q4_1, Q5_0, Q5_1: element j in the lower half of byte j, or the upper of byte j - 16.
  Packed of_32(bool minimum, bool fifth) {
    Packed p;
    const float d = 0.5f, m = minimum ? -3.0f : 0.0f;
    push_half(p.bytes, d);
    if (minimum) push_half(p.bytes, m);
    Bytes high(fifth ? 4 : 0), low(16);
    for (unsigned j = 0; j < 32; ++j) {
      unsigned q = below(fifth ? 32 : 16);
      set_bits(low, j % 16 * 8 + j / 16 * 4, 4, q & 15);
      if (fifth) set_bits(high, j, 1, q >> 4);
      int zero = minimum ? 0 : fifth ? 16 : 8;
      p.values.push_back(static_cast<float>(static_cast<int>(q) - zero) * d + m);
    }
    p.bytes.insert(p.bytes.end(), high.begin(), high.end());
    p.bytes.insert(p.bytes.end(), low.begin(), low.end());
    return p;
  }

  Packed q8_0() {
    Packed p;
    push_half(p.bytes, 0.25f);
    for (int j = 0; j < 32; ++j) {
      auto q = static_cast<std::int8_t>(below(256));
      p.bytes.push_back(static_cast<std::uint8_t>(q));
      p.values.push_back(static_cast<float>(q) * 0.25f);
    }
    return p;
  }

  // 16 parts of 16; two bits of element i in byte 32 (i / 128) + i % 32, pair i / 32 % 4.
  Packed q2k() {
    Packed p;
    p.values.resize(256);
    Bytes scales(16), q(64);
    for (std::size_t part = 0; part < 16; ++part) {
      unsigned s = below(16), m = below(16);
      scales[part] = static_cast<std::uint8_t>(s | m << 4);
      for (std::size_t i = part * 16; i < part * 16 + 16; ++i) {
        unsigned v = below(4);
        set_bits(q, (i / 128 * 32 + i % 32) * 8 + i / 32 % 4 * 2, 2, v);
        p.values[i] =
            0.5f * static_cast<float>(s) * static_cast<float>(v) - 2.0f * static_cast<float>(m);
      }
    }
    p.bytes = scales;
    p.bytes.insert(p.bytes.end(), q.begin(), q.end());
    push_half(p.bytes, 0.5f);
    push_half(p.bytes, 2.0f);
    return p;
  }

  // Scales of 6 bits: the low four of 0…7 and 8…15 share bytes 0…7, the high two of s, s + 4, s + 8
  // and s + 12 byte 8 + s. The third bit of element i is bit i / 32 of byte i % 32, and set means
  // that nothing is taken off.
  Packed q3k() {
    Packed p;
    p.values.resize(256);
    Bytes third(32), q(64), scales(12);
    for (std::size_t part = 0; part < 16; ++part) {
      unsigned s = below(64);
      set_bits(scales, part % 8 * 8 + part / 8 * 4, 4, s & 15);
      set_bits(scales, (8 + part % 4) * 8 + part / 4 * 2, 2, s >> 4);
      for (std::size_t i = part * 16; i < part * 16 + 16; ++i) {
        int v = static_cast<int>(below(8)) - 4;
        set_bits(q, (i / 128 * 32 + i % 32) * 8 + i / 32 % 4 * 2, 2, static_cast<unsigned>(v & 3));
        set_bits(third, i % 32 * 8 + i / 32, 1, v >= 0 ? 1 : 0);
        p.values[i] = 0.5f * static_cast<float>(static_cast<int>(s) - 32) * static_cast<float>(v);
      }
    }
    p.bytes = third;
    p.bytes.insert(p.bytes.end(), q.begin(), q.end());
    p.bytes.insert(p.bytes.end(), scales.begin(), scales.end());
    push_half(p.bytes, 0.5f);
    return p;
  }

  // Eight parts of 32. Scales and minima of 6 bits: of parts 0…3 in the low bits of bytes 0…3 and
  // 4…7; of parts 4…7 the low four in the halves of bytes 8…11, the high two on top of those.
  Packed q45k(bool fifth) {
    Packed p;
    push_half(p.bytes, 0.5f);
    push_half(p.bytes, 0.25f);
    Bytes scales(12), high(fifth ? 32 : 0), q(128);
    for (std::size_t part = 0; part < 8; ++part) {
      unsigned s = below(64), m = below(64);
      if (part < 4) {
        set_bits(scales, part * 8, 6, s);
        set_bits(scales, (part + 4) * 8, 6, m);
      } else {
        set_bits(scales, (part + 4) * 8, 4, s & 15);
        set_bits(scales, (part + 4) * 8 + 4, 4, m & 15);
        set_bits(scales, (part - 4) * 8 + 6, 2, s >> 4);
        set_bits(scales, part * 8 + 6, 2, m >> 4);
      }
      for (std::size_t l = 0; l < 32; ++l) {
        unsigned v = below(fifth ? 32 : 16);
        set_bits(q, (part / 2 * 32 + l) * 8 + part % 2 * 4, 4, v & 15);
        if (fifth) set_bits(high, l * 8 + part, 1, v >> 4);
        p.values.push_back(0.5f * static_cast<float>(s) * static_cast<float>(v) -
                           0.25f * static_cast<float>(m));
      }
    }
    for (const Bytes* piece : {&scales, &high, &q})
      p.bytes.insert(p.bytes.end(), piece->begin(), piece->end());
    return p;
  }

  // Halves of 128: element l of quarter k has its low four bits in byte 64 h + 32 (k % 2) + l, in
  // the half k / 2 of it, its high two in byte 32 h + l.
  Packed q6k() {
    Packed p;
    Bytes low(128), high(64), scales(16);
    for (std::size_t i = 0; i < 256; ++i) {
      std::size_t h = i / 128, k = i / 32 % 4, l = i % 32;
      if (i % 16 == 0) scales[i / 16] = static_cast<std::uint8_t>(below(256));
      unsigned v = below(64);
      set_bits(low, (64 * h + 32 * (k % 2) + l) * 8 + k / 2 * 4, 4, v & 15);
      set_bits(high, (32 * h + l) * 8 + 2 * k, 2, v >> 4);
      p.values.push_back(0.5f * static_cast<float>(static_cast<std::int8_t>(scales[i / 16])) *
                         static_cast<float>(static_cast<int>(v) - 32));
    }
    for (const Bytes* piece : {&low, &high, &scales})
      p.bytes.insert(p.bytes.end(), piece->begin(), piece->end());
    push_half(p.bytes, 0.5f);
    return p;
  }

 private:
  std::mt19937 random_{7};
};

void expect_unpacked(DType dtype, const std::function<Packed()>& pack) {
  constexpr int kBlocks = 5;
  Packed all;
  for (int i = 0; i < kBlocks; ++i) {
    Packed block = pack();
    EXPECT_EQ(block.bytes.size(), bytes_of(dtype, block_of(dtype))) << name_of(dtype);
    all.bytes.insert(all.bytes.end(), block.bytes.begin(), block.bytes.end());
    all.values.insert(all.values.end(), block.values.begin(), block.values.end());
  }
  std::vector<float> found(all.values.size());
  widen_to_f32(dtype, reinterpret_cast<const std::byte*>(all.bytes.data()), found.data(),
               found.size());
  EXPECT_EQ(found, all.values) << name_of(dtype);
}

TEST(Packed, ComesBackAsItWasPacked) {
  Packing packing;
  expect_unpacked(DType::kQ4_0, [&] { return packing.of_32(false, false); });
  expect_unpacked(DType::kQ4_1, [&] { return packing.of_32(true, false); });
  expect_unpacked(DType::kQ5_0, [&] { return packing.of_32(false, true); });
  expect_unpacked(DType::kQ5_1, [&] { return packing.of_32(true, true); });
  expect_unpacked(DType::kQ8_0, [&] { return packing.q8_0(); });
  expect_unpacked(DType::kQ2K, [&] { return packing.q2k(); });
  expect_unpacked(DType::kQ3K, [&] { return packing.q3k(); });
  expect_unpacked(DType::kQ4K, [&] { return packing.q45k(false); });
  expect_unpacked(DType::kQ5K, [&] { return packing.q45k(true); });
  expect_unpacked(DType::kQ6K, [&] { return packing.q6k(); });
}

}  // namespace
}  // namespace obscura
