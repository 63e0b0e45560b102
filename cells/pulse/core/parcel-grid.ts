import { PARCEL_SIZE } from '../../wire/peer.ts'
import { type AvatarState, FIELD } from './messages/avatar-state.ts'

/** Parcels of the one grid that all explorers number in the same way: x from -152 to 165, z from -152 to 160. */
const MIN = -152
const COLUMNS = 318
const ROWS = 313
const PARCELS = COLUMNS * ROWS

/** Metres of the codes of x and z: 8 bits for the 16 m of a parcel. */
const METRES_PER_CODE = PARCEL_SIZE / 255
/** Of y: 13 bits for 200 m. */
const METRES_PER_CODE_OF_Y = 200 / 8_191

/** A position outside the grid is moved to its nearest parcel: clients of small worlds send such ones, and would not bear the refusal. */
export function clampParcel(state: AvatarState): void {
  const parcel = state[FIELD.parcel] ?? 0
  state[FIELD.parcel] = Math.min(PARCELS - 1, Math.max(0, parcel))
}

/** World coordinates in metres, at `at` of an array of states. */
export const worldX = (states: Int32Array, at = 0): number =>
  (((states[at + FIELD.parcel] ?? 0) % COLUMNS) + MIN) * PARCEL_SIZE + (states[at + FIELD.positionX] ?? 0) * METRES_PER_CODE

export const worldZ = (states: Int32Array, at = 0): number =>
  (Math.floor((states[at + FIELD.parcel] ?? 0) / COLUMNS) + MIN) * PARCEL_SIZE +
  (states[at + FIELD.positionZ] ?? 0) * METRES_PER_CODE

export const worldY = (states: Int32Array, at = 0): number => (states[at + FIELD.positionY] ?? 0) * METRES_PER_CODE_OF_Y

/** The number of the parcel at x and z, in parcels. */
export const parcelIndex = (x: number, z: number): number => x - MIN + (z - MIN) * COLUMNS
