type Column = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array

/** Copies a column of a table into a longer one, which is returned. */
export function longer<Kind extends Column>(from: Kind, to: Kind): Kind {
  to.set(from)
  return to
}
