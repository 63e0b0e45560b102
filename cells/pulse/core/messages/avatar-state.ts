/**
 * How an avatar stands and moves, as the codes that clients send (`decentraland/pulse/pulse_shared.proto`, PlayerState). The relay copies
 * codes and interprets only those of the position. A state is an Int32Array: one element per field, in the order of the field numbers, and
 * a last one whose bits say which fields are there.
 */
export type AvatarState = Int32Array

/** Elements of a state; `present` is the set of optional fields that are there, bit n for field n. */
export const FIELD = {
  parcel: 0,
  positionX: 1,
  positionY: 2,
  positionZ: 3,
  velocityX: 4,
  velocityY: 5,
  velocityZ: 6,
  rotationY: 7,
  movementBlend: 8,
  slideBlend: 9,
  headYaw: 10,
  headPitch: 11,
  flags: 12,
  glide: 13,
  jumpCount: 14,
  pointAtX: 15,
  pointAtY: 16,
  pointAtZ: 17,
  present: 18,
} as const

export const FIELD_COUNT = 18
export const STATE_LENGTH = FIELD_COUNT + 1

/** Set in `flags` while the avatar stands on something. */
export const GROUNDED = 1

/** Bits of the code of each field; 32 = any value. A code with more bits is no code of this field. */
const CODE_BITS: readonly number[] = [32, 8, 13, 8, 8, 8, 8, 7, 5, 4, 7, 7, 32, 2, 32, 17, 7, 17]

/** Fields that a client may leave out, which is not the same as zero. */
export const OPTIONAL_FIELDS =
  (1 << FIELD.headYaw) | (1 << FIELD.headPitch) | (1 << FIELD.pointAtX) | (1 << FIELD.pointAtY) | (1 << FIELD.pointAtZ)

/** A state in which every required field is zero and no optional one is there. */
export const emptyState = (): AvatarState => new Int32Array(STATE_LENGTH)

/** Whether each code fits into the bits of its field. */
export function isValidState(state: AvatarState): boolean {
  for (let field = 0; field < FIELD_COUNT; field++) {
    const bits = CODE_BITS[field] ?? 0
    if (bits < 32 && (state[field] ?? 0) >>> bits !== 0) return false
  }
  return true
}

/** Makes a state the one of an avatar that arrives somewhere: standing still on the ground, turned as it was. */
export function standStill(state: AvatarState): void {
  state.fill(0, FIELD.velocityX, FIELD.velocityZ + 1)
  state.fill(0, FIELD.movementBlend, FIELD.slideBlend + 1)
  state[FIELD.flags] = GROUNDED
  state[FIELD.glide] = 0
  state[FIELD.present] = 0
}
