/**
 * How three explorers read `/about`, by the rules in their sources of summer 2026 (Unity 6dd818f, Bevy d18de13, Godot d98a2bb). Each
 * takes the document, or throws where that explorer could not enter the realm, or could crash.
 */
export interface ReadRealm {
  realmName: string
  networkId: number
  contentUrl: string | undefined
  /** What the explorer connects to; undefined = it goes without communications. */
  adapter: string | undefined
  scenes: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>
type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isFlag: Check = (value) => typeof value === 'boolean'
const isNumber: Check = (value) => typeof value === 'number'
const isInt32: Check = (value) => Number.isInteger(value) && (value as number) >= -(2 ** 31) && (value as number) < 2 ** 31
const isUint32: Check = (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads fields of one explorer's class or struct. */
class Reader {
  readonly #explorer: string
  /** Whether null counts as absent. */
  readonly #nullIsAbsent: boolean

  constructor(explorer: string, { nullIsAbsent }: { nullIsAbsent: boolean }) {
    this.#explorer = explorer
    this.#nullIsAbsent = nullIsAbsent
  }

  optional<Value>(of: Fields, name: string, check: Check): Value | undefined {
    const value = of[name]
    if (value === undefined || (value === null && this.#nullIsAbsent)) return undefined
    if (!check(value)) throw new Error(`${this.#explorer} cannot read ${name}: ${JSON.stringify(value)}`)
    return value as Value
  }

  required<Value>(of: Fields, name: string, check: Check): Value {
    const value = this.optional<Value>(of, name, check)
    if (value === undefined) throw new Error(`${this.#explorer} needs ${name}`)
    return value
  }

  objectIn(of: Fields, name: string): Fields {
    return this.optional<Fields>(of, name, isObject) ?? {}
  }
}

/** A C# class: fields that are absent keep their defaults; null is read as if it were wrong, because loops over it throw. */
export function readAsUnity(about: Fields): ReadRealm {
  const reader = new Reader('Unity', { nullIsAbsent: false })
  const configurations = reader.required<Fields>(about, 'configurations', isObject)
  const content = reader.required<Fields>(about, 'content', isObject)
  const lambdas = reader.required<Fields>(about, 'lambdas', isObject)
  const comms = reader.objectIn(about, 'comms')
  for (const service of [content, lambdas, comms]) reader.optional(service, 'healthy', isFlag)
  reader.required(lambdas, 'publicUrl', isText)
  reader.optional(comms, 'protocol', isText)
  reader.optional(configurations, 'localSceneParcels', isListOf(isText))
  reader.optional(reader.objectIn(configurations, 'skybox'), 'fixedHour', isNumber)
  reader.optional(reader.objectIn(configurations, 'minimap'), 'enabled', isFlag)
  const adapter =
    reader.optional<string>(comms, 'adapter', isText) ??
    reader.optional<string>(comms, 'fixedAdapter', isText) ??
    'offline:offline'
  if (!['wss://', 'https://', 'offline:offline'].some((known) => adapter.includes(known)))
    throw new Error(`Unity cannot choose a room for ${adapter}`)
  return {
    realmName: reader.required(configurations, 'realmName', isText),
    networkId: reader.optional(configurations, 'networkId', isInt32) ?? 0,
    contentUrl: reader.required(content, 'publicUrl', isText),
    adapter,
    scenes: reader.optional(configurations, 'scenesUrn', isListOf(isText)) ?? [],
  }
}

/** Rust structs: one field of a wrong type, and nothing of the document is read; null is absent where a field is optional. */
export function readAsBevy(about: Fields): ReadRealm {
  const reader = new Reader('Bevy', { nullIsAbsent: true })
  const serviceIn = (name: string): Fields | undefined => {
    const service = reader.optional<Fields>(about, name, isObject)
    if (service) reader.required(service, 'healthy', isFlag)
    return service
  }
  const content = serviceIn('content')
  const lambdas = serviceIn('lambdas')
  for (const service of [content, lambdas]) if (service) reader.required(service, 'publicUrl', isText)
  const comms = serviceIn('comms')
  if (comms) for (const name of ['adapter', 'fixedAdapter']) reader.optional(comms, name, isText)
  if (comms) reader.required(comms, 'protocol', isText)
  const configurations = reader.objectIn(about, 'configurations')
  reader.optional(configurations, 'cityLoaderContentServer', isText)
  reader.optional(configurations, 'localSceneParcels', isListOf(isText))
  reader.optional(configurations, 'globalScenesUrn', isListOf(isText))
  const map = reader.optional<Fields>(configurations, 'map', isObject)
  if (map) {
    reader.optional(map, 'minimapEnabled', isFlag)
    for (const size of reader.required<readonly Fields[]>(map, 'sizes', isListOf(isObject)))
      for (const side of ['left', 'top', 'right', 'bottom']) reader.required(size, side, isInt32)
  }
  return {
    realmName: reader.optional(configurations, 'realmName', isText) ?? '',
    networkId: reader.optional(configurations, 'networkId', isUint32) ?? 1,
    contentUrl: content && reader.required(content, 'publicUrl', isText),
    adapter: comms && (reader.optional(comms, 'adapter', isText) ?? reader.optional(comms, 'fixedAdapter', isText)),
    scenes: reader.optional(configurations, 'scenesUrn', isListOf(isText)) ?? [],
  }
}

/** A dictionary whose values are assigned to typed variables: null or a wrong type ends the script that reads it. */
export function readAsGodot(about: Fields): ReadRealm {
  const reader = new Reader('Godot', { nullIsAbsent: false })
  const configurations = reader.objectIn(about, 'configurations')
  const comms = reader.objectIn(about, 'comms')
  const protocol = reader.optional<string>(comms, 'protocol', isText) ?? 'v3'
  if (protocol !== 'v3') throw new Error(`Godot refuses the protocol ${protocol}`)
  reader.optional(configurations, 'cityLoaderContentServer', isText)
  reader.optional(configurations, 'globalScenesUrn', isListOf(isText))
  reader.optional(reader.objectIn(about, 'lambdas'), 'publicUrl', isText)
  const map = reader.objectIn(configurations, 'map')
  for (const size of reader.optional<readonly Fields[]>(map, 'sizes', isListOf(isObject)) ?? [])
    for (const side of ['left', 'top', 'right', 'bottom']) reader.required(size, side, isNumber)
  return {
    realmName: reader.optional(configurations, 'realmName', isText) ?? 'no_realm_name',
    networkId: reader.optional(configurations, 'networkId', isNumber) ?? 1,
    contentUrl: reader.required(reader.objectIn(about, 'content'), 'publicUrl', isText),
    adapter: reader.optional(comms, 'fixedAdapter', isText) ?? reader.optional(comms, 'adapter', isText),
    scenes: reader.optional(configurations, 'scenesUrn', isListOf(isText)) ?? [],
  }
}
