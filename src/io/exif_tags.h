// The tags of EXIF 2.32 that are read and written here.
#pragma once

namespace obscura::io {

inline constexpr unsigned kTagImageWidth = 0x0100;  // the lowest of TIFF's
inline constexpr unsigned kTagImageDescription = 0x010e;
inline constexpr unsigned kTagModel = 0x0110;
inline constexpr unsigned kTagOrientation = 0x0112;
inline constexpr unsigned kTagExifFolder = 0x8769;
inline constexpr unsigned kTagUserComment = 0x9286;

inline constexpr unsigned kTypeAscii = 2;
inline constexpr unsigned kTypeShort = 3;
inline constexpr unsigned kTypeLong = 4;
inline constexpr unsigned kTypeUndefined = 7;

}  // namespace obscura::io
