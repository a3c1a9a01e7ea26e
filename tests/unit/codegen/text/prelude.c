
/* value / 2^shift, rounded to an integer (32 bits) */
FUNCTION i32 floor32(i32 value, i32 shift) { return value >> shift; }
FUNCTION i32 ceil32(i32 value, i32 shift) {
  const i32 mask = ((i32)1 << shift) - 1;
  return (value + mask) >> shift;
}
FUNCTION i32 toward_zero32(i32 value, i32 shift) {
  const i32 mask = ((i32)1 << shift) - 1;
  return (value + (value < 0 ? mask : 0)) >> shift;
}
FUNCTION i32 away_from_zero32(i32 value, i32 shift) {
  const i32 mask = ((i32)1 << shift) - 1;
  return (value + (value < 0 ? 0 : mask)) >> shift;
}
FUNCTION i32 half_up32(i32 value, i32 shift) {
  const i32 mask = ((i32)1 << shift) - 1;
  return (value + (mask >> 1) + (mask & 1)) >> shift;
}
FUNCTION i32 half_down32(i32 value, i32 shift) {
  const i32 mask = ((i32)1 << shift) - 1;
  return (value + (mask >> 1)) >> shift;
}
FUNCTION i32 half_even32(i32 value, i32 shift) {
  const i32 mask = ((i32)1 << shift) - 1;
  return (value + (mask >> 1) + ((value >> shift) & mask & 1)) >> shift;
}
FUNCTION i32 half_away32(i32 value, i32 shift) {
  const i32 mask = ((i32)1 << shift) - 1;
  return (value + (mask >> 1) + (value < 0 ? 0 : mask & 1)) >> shift;
}
FUNCTION i32 half_toward_zero32(i32 value, i32 shift) {
  const i32 mask = ((i32)1 << shift) - 1;
  return (value + (mask >> 1) + (value < 0 ? mask & 1 : 0)) >> shift;
}

/* what does not fit: the nearest value, or the low bits read as signed or unsigned */
FUNCTION i32 clamp32(i32 value, i32 low, i32 high) {
  return value < low ? low : value > high ? high : value;
}
FUNCTION i32 wrap_signed32(i32 value, i32 width) {
  const u32 sign = (u32)1 << (width - 1);
  return (i32)((((u32)value & (2 * sign - 1)) ^ sign) - sign);
}
FUNCTION i32 wrap_unsigned32(i32 value, i32 width) {
  return (i32)((u32)value & (2 * ((u32)1 << (width - 1)) - 1));
}

/* value / 2^shift, rounded to an integer (64 bits) */
FUNCTION i64 floor64(i64 value, i32 shift) { return value >> shift; }
FUNCTION i64 ceil64(i64 value, i32 shift) {
  const i64 mask = ((i64)1 << shift) - 1;
  return (value + mask) >> shift;
}
FUNCTION i64 toward_zero64(i64 value, i32 shift) {
  const i64 mask = ((i64)1 << shift) - 1;
  return (value + (value < 0 ? mask : 0)) >> shift;
}
FUNCTION i64 away_from_zero64(i64 value, i32 shift) {
  const i64 mask = ((i64)1 << shift) - 1;
  return (value + (value < 0 ? 0 : mask)) >> shift;
}
FUNCTION i64 half_up64(i64 value, i32 shift) {
  const i64 mask = ((i64)1 << shift) - 1;
  return (value + (mask >> 1) + (mask & 1)) >> shift;
}
FUNCTION i64 half_down64(i64 value, i32 shift) {
  const i64 mask = ((i64)1 << shift) - 1;
  return (value + (mask >> 1)) >> shift;
}
FUNCTION i64 half_even64(i64 value, i32 shift) {
  const i64 mask = ((i64)1 << shift) - 1;
  return (value + (mask >> 1) + ((value >> shift) & mask & 1)) >> shift;
}
FUNCTION i64 half_away64(i64 value, i32 shift) {
  const i64 mask = ((i64)1 << shift) - 1;
  return (value + (mask >> 1) + (value < 0 ? 0 : mask & 1)) >> shift;
}
FUNCTION i64 half_toward_zero64(i64 value, i32 shift) {
  const i64 mask = ((i64)1 << shift) - 1;
  return (value + (mask >> 1) + (value < 0 ? mask & 1 : 0)) >> shift;
}

/* what does not fit: the nearest value, or the low bits read as signed or unsigned */
FUNCTION i64 clamp64(i64 value, i64 low, i64 high) {
  return value < low ? low : value > high ? high : value;
}
FUNCTION i64 wrap_signed64(i64 value, i32 width) {
  const u64 sign = (u64)1 << (width - 1);
  return (i64)((((u64)value & (2 * sign - 1)) ^ sign) - sign);
}
FUNCTION i64 wrap_unsigned64(i64 value, i32 width) {
  return (i64)((u64)value & (2 * ((u64)1 << (width - 1)) - 1));
}
