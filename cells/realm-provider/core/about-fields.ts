/** A JSON object of unknown fields. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Reads one value as explorers do; undefined where one of them could not read the document with it. */
type Read = (value: unknown) => unknown

const MAX_TEXT_LENGTH = 2_048

const text: Read = (value) => (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH ? value : undefined)
const flag: Read = (value) => (typeof value === 'boolean' ? value : undefined)
const number: Read = (value) => (Number.isFinite(value) ? value : undefined)
const unsigned: Read = (value) => (isIntegerIn(value, 0, 2 ** 32 - 1) ? value : undefined)
const integer: Read = (value) => (isIntegerIn(value, -(2 ** 31), 2 ** 31 - 1) ? value : undefined)
/** Without the items that cannot be read. */
const listOf =
  (read: Read): Read =>
  (value) =>
    Array.isArray(value) ? value.flatMap((item: unknown) => read(item) ?? []) : undefined
/** Without the fields that cannot be read; the others stay, in their order, also those that are not known here. */
const objectOf =
  (fields: Readonly<Record<string, Read>>): Read =>
  (value) =>
    isObject(value) ? readFields(value, fields) : undefined
/** Undefined unless every one of the fields can be read. */
const wholeOf =
  (fields: Readonly<Record<string, Read>>): Read =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, read]) => read(value[name]) !== undefined) ? value : undefined

const isIntegerIn = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max

const tiles = objectOf({
  version: text,
  baseUrl: text,
  suffixUrl: text,
  topLeftOffset: wholeOf({ x: number, y: number }),
})
// With a single side that is not an integer of 32 bits, Bevy cannot read the whole document.
const rectangle = wholeOf({ left: integer, top: integer, right: integer, bottom: integer })

/** Undefined without a rectangle. */
const map: Read = (value) => {
  const read = objectOf({
    minimapEnabled: flag,
    sizes: listOf(rectangle),
    satelliteView: tiles,
    thumbnailView: tiles,
    parcelView: objectOf({ version: text, imageUrl: text }),
  })(value) as { minimapEnabled?: boolean; sizes?: unknown[] } | undefined
  if (!read?.sizes?.length) return undefined
  const { minimapEnabled = false, sizes, ...views } = read
  return { minimapEnabled, sizes, ...views }
}

const CONFIGURATIONS: Readonly<Record<string, Read>> = {
  realmName: text,
  networkId: unsigned,
  scenesUrn: listOf(text),
  globalScenesUrn: listOf(text),
  localSceneParcels: listOf(text),
  cityLoaderContentServer: text,
  map,
  minimap: objectOf({ enabled: flag, dataImage: text, estateImage: text }),
  skybox: objectOf({ fixedHour: number, textures: listOf(text) }),
}
const SERVICE: Readonly<Record<string, Read>> = {
  healthy: flag,
  publicUrl: text,
  version: text,
  commitHash: text,
  synchronizationStatus: text,
  protocolVersion: text,
  userCount: number,
}

/** The object without the known fields (ADR-110) that some explorer could not read. */
export const readConfigurations = (value: JsonObject): JsonObject => readFields(value, CONFIGURATIONS)

/** The same for `content`, `lambdas` and `bff`. */
export const readService = (value: JsonObject): JsonObject => readFields(value, SERVICE)

function readFields(value: JsonObject, fields: Readonly<Record<string, Read>>): JsonObject {
  const read = Object.entries(value).flatMap(([name, field]) => {
    const known = Object.hasOwn(fields, name) ? fields[name]?.(field) : field
    return known === undefined ? [] : [[name, known]]
  })
  return Object.fromEntries(read)
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
