/** A player, by wallet: lower-case `0x` and 40 hex digits; also the NATS subject token and the LiveKit identity. */
export type PeerId = `0x${string}`

/** A position in the world, in metres: Y is up, a parcel is 16 m wide. */
export interface Position {
  x: number
  y: number
  z: number
}

/** Side of a parcel, in metres. */
export const PARCEL_SIZE = 16

const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** The peer of an Ethereum address, or undefined when the text is not an address. */
export const parsePeerId = (address: unknown): PeerId | undefined =>
  typeof address === 'string' && ADDRESS.test(address) ? (address.toLowerCase() as PeerId) : undefined

/** Whether every coordinate is a finite number; other positions are unusable. */
export const isFinitePosition = ({ x, y, z }: Position): boolean => Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(z)
