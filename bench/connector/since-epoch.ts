/** Milliseconds since `epoch`. Whole part and fraction are sent as two coordinates, because a coordinate has 32 bits. */
export const sinceEpoch = (epoch: number): number => performance.timeOrigin + performance.now() - epoch
