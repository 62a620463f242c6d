// Products of matrices that lie in the cache: those of one head of attention.
#pragma once
#include "vector.h"

namespace alignflow {

/** Rows and registers of a block of the result: as many as the processor's registers hold beside what is multiplied. */
#if defined(__AVX512F__)
constexpr int kBlockRows = 8, kBlockVectors = 2;
#else
constexpr int kBlockRows = 4, kBlockVectors = 1;
#endif

/** A matrix whose element (i, k) is at `at[i * row + k * column]`. */
struct Strided {
  const float* at;
  int64_t row;
  int64_t column;
};

template <int kRows, int kVectors>
ALIGNFLOW_INLINE void productBlock(Strided a, const float* b, int64_t bRow, int64_t depth, float* c, int64_t cRow) {
  Floats sums[kRows][kVectors] = {};
  for (int64_t k = 0; k < depth; k++) {
    Floats right[kVectors];
    for (int v = 0; v < kVectors; v++) right[v] = load(b + k * bRow + v * kLanes);
    for (int r = 0; r < kRows; r++) {
      const float left = a.at[r * a.row + k * a.column];
      for (int v = 0; v < kVectors; v++) sums[r][v] += left * right[v];
    }
  }
  for (int r = 0; r < kRows; r++)
    for (int v = 0; v < kVectors; v++) store(c + r * cRow + v * kLanes, sums[r][v]);
}

template <int kVectors>
ALIGNFLOW_INLINE void productColumns(Strided a, const float* b, int64_t bRow, int64_t rows, int64_t depth, float* c, int64_t cRow) {
  int64_t i = 0;
  for (; i + kBlockRows <= rows; i += kBlockRows)
    productBlock<kBlockRows, kVectors>({a.at + i * a.row, a.row, a.column}, b, bRow, depth, c + i * cRow, cRow);
  for (; i + kBlockRows / 2 <= rows; i += kBlockRows / 2)
    productBlock<kBlockRows / 2, kVectors>({a.at + i * a.row, a.row, a.column}, b, bRow, depth, c + i * cRow, cRow);
  for (; i < rows; i++) productBlock<1, kVectors>({a.at + i * a.row, a.row, a.column}, b, bRow, depth, c + i * cRow, cRow);
}

/**
 * c = a b, of [rows, depth] and [depth, columns]; rows of b and c are a multiple of sixteen long, and what is behind `columns` is written
 * too.
 */
inline void product(Strided a, const float* b, int64_t bRow, int64_t rows, int64_t depth, int64_t columns, float* c, int64_t cRow) {
  int64_t j = 0;
  for (; j + kBlockVectors * kLanes <= columns; j += kBlockVectors * kLanes)
    productColumns<kBlockVectors>(a, b + j, bRow, rows, depth, c + j, cRow);
  for (; j < columns; j += kLanes) productColumns<1>(a, b + j, bRow, rows, depth, c + j, cRow);
}

}  // namespace alignflow
