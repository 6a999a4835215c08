// Reads every byte of a store's files and compares it with the checksums that are kept with it: for
// a scrubber, while the store is in use.
//
//   RocksKv::Scrub --> ScrubFiles --> sorted files: checksum of the whole, in the manifest
//                                 --> write-ahead files and manifest: checksum of each record
//                                 --> the rest: can it be read
#ifndef FISCAL_STORAGE_ROCKS_ROCKS_SCRUB_H_
#define FISCAL_STORAGE_ROCKS_ROCKS_SCRUB_H_

#include <string>
#include <vector>

#include "rocksdb/db.h"
#include "storage/rocks/rocks_kv.h"

namespace fiscal::storage {

absl::Status ScrubFiles(rocksdb::DB* db, const std::string& path, const ScrubPace& pace,
                        std::vector<FileDamage>* damage);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_ROCKS_ROCKS_SCRUB_H_
