#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crible {

/// Element types of NumPy arrays that crible reads and writes.
enum class ElementKind { int8, int16, int32, int64, uint8, uint16, uint32, float32, float64 };

std::size_t element_bytes(ElementKind kind);
bool is_float(ElementKind kind);

/// "int8", "float32": NumPy's name, for messages.
const char* to_string(ElementKind kind);

/// A NumPy array in memory: C order, little-endian, no padding.
struct Array {
  ElementKind kind = ElementKind::int64;
  std::vector<std::size_t> shape;
  std::vector<std::byte> bytes;

  std::size_t element_count() const;
};

/// Arrays with their names, in file order: the content of an .npz file.
using NamedArrays = std::vector<std::pair<std::string, Array>>;

/// Reads an .npy file. Fortran order is turned into C order. Throws Error naming the file and the defect;
/// element types other than those above (big-endian, float16, objects, ...) are refused by name.
Array read_npy(const std::filesystem::path& path);

/// The same from memory; `source` names the bytes in messages.
Array parse_npy(std::string_view bytes, const std::string& source);

/// Version 1.0 of the format, as numpy.save writes it.
std::string to_npy(const Array& array);

/// Writes beside and renames: the file is whole or absent.
void write_npy(const std::filesystem::path& path, const Array& array);

/// Reads every .npy member of an .npz file (numpy.savez, numpy.savez_compressed).
NamedArrays read_npz(const std::filesystem::path& path);
void write_npz(const std::filesystem::path& path, const NamedArrays& arrays);

/// All elements as 64-bit integers, C order. Throws Error when the array holds floats.
std::vector<std::int64_t> to_integers(const Array& array);

/// All elements as doubles, exact for float32 and integers up to 2^53.
std::vector<double> to_doubles(const Array& array);

/// Packs integers into elements of `kind` (an integer kind that holds them all, or float32 / float64).
Array from_integers(ElementKind kind, std::vector<std::size_t> shape,
                    const std::vector<std::int64_t>& values);
Array from_doubles(ElementKind kind, std::vector<std::size_t> shape, const std::vector<double>& values);

}  // namespace crible
