#include <zip.h>

#include <memory>

#include "engine/base/error.hpp"
#include "engine/base/npy.hpp"

namespace crible {

namespace {

/// An entry may claim any size; a real array of this size would not fit the machine either.
constexpr zip_uint64_t largest_member_bytes = zip_uint64_t{1} << 34;

struct ZipDiscard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Zip = std::unique_ptr<zip_t, ZipDiscard>;

struct MemberClose {
  void operator()(zip_file_t* member) const { zip_fclose(member); }
};

std::string reason(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

std::string read_member(zip_t* archive, zip_uint64_t index, zip_uint64_t size, const std::string& source) {
  if (size > largest_member_bytes) throw Error(source + ": the member is larger than 16 GiB");
  const std::unique_ptr<zip_file_t, MemberClose> member(zip_fopen_index(archive, index, 0));
  if (!member) throw Error(source + ": " + zip_strerror(archive));
  // Grown while reading: the size in the directory is only a claim.
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const zip_int64_t got = zip_fread(member.get(), buffer, sizeof buffer);
    if (got < 0) throw Error(source + ": the compressed data are damaged");
    if (got == 0) break;
    bytes.append(buffer, static_cast<std::size_t>(got));
    if (bytes.size() > size) throw Error(source + ": the member is longer than the archive's directory says");
  }
  return bytes;
}

}  // namespace

NamedArrays read_npz(const std::filesystem::path& path) {
  int code = 0;
  const Zip archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (!archive) throw Error(path.string() + ": cannot be read as an .npz file: " + reason(code));
  NamedArrays arrays;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    const auto index = static_cast<zip_uint64_t>(i);
    if (zip_stat_index(archive.get(), index, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_NAME) ||
        !(stat.valid & ZIP_STAT_SIZE))
      throw Error(path.string() + ": the archive's directory is damaged");
    std::string name = stat.name;
    if (!name.ends_with(".npy")) continue;
    const std::string source = path.string() + ": " + name;
    name.resize(name.size() - 4);
    arrays.emplace_back(name, parse_npy(read_member(archive.get(), index, stat.size, source), source));
  }
  return arrays;
}

void write_npz(const std::filesystem::path& path, const NamedArrays& arrays) {
  // libzip reads the members when the archive is closed, so they must live until then.
  std::vector<std::string> members;
  members.reserve(arrays.size());
  int code = 0;
  // libzip itself writes beside and renames.
  Zip archive(zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive) throw Error(path.string() + ": cannot be written: " + reason(code));
  for (const auto& [name, array] : arrays) {
    members.push_back(to_npy(array));
    zip_source_t* source = zip_source_buffer(archive.get(), members.back().data(), members.back().size(), 0);
    if (!source || zip_file_add(archive.get(), (name + ".npy").c_str(), source, ZIP_FL_OVERWRITE) < 0)
      throw Error(path.string() + ": cannot be written: " + zip_strerror(archive.get()), Fault::failure);
  }
  if (zip_close(archive.get()) != 0)
    throw Error(path.string() + ": cannot be written: " + zip_strerror(archive.get()), Fault::failure);
  static_cast<void>(archive.release());
}

}  // namespace crible
