import { openSync, readFileSync, readSync } from 'node:fs'
import type { PGlite, PGliteOptions } from '@electric-sql/pglite'

/** An entry of Emscripten's file system in memory, as far as it is used here: a file has bytes, a folder entries by name. */
interface MemoryEntry {
  contents?: Uint8Array | Record<string, MemoryEntry>
}

interface MemoryFile {
  contents: Uint8Array
}

/**
 * The files that PostgreSQL is installed with: time zones, dictionaries, collations and the like, six megabytes in one file of PGlite's.
 * PGlite holds all of them in memory, and a small database reads a handful.
 */
export class EngineFiles {
  /** Stays open, so that what is read later is of the same version, even where the package was replaced. */
  readonly #descriptor: number
  readonly #bundle: ArrayBuffer
  readonly #places = new WeakMap<MemoryFile, { from: number; length: number }>()

  constructor(path: URL) {
    this.#descriptor = openSync(path, 'r')
    this.#bundle = readFileSync(this.#descriptor).buffer
  }

  /** For PGlite's option `fsBundle`, of which it takes the bytes. */
  get bundle(): NonNullable<PGliteOptions['fsBundle']> {
    const bytes: Pick<Blob, 'arrayBuffer'> = { arrayBuffer: async () => this.#bundle }
    return bytes as Blob
  }

  /**
   * Frees the memory of the files of an engine that is open: from now on each is read from disk when PostgreSQL opens it. Where PGlite uses
   * the bundle in another way than is known here, all files stay in memory.
   *
   * @returns whether the memory is free
   */
  release(engine: PGlite): boolean {
    const { root } = engine.Module.FS as unknown as { root: MemoryEntry }
    const files = [...filesBelow(root)].filter(({ contents }) => contents.buffer === this.#bundle)
    const bytes = files.reduce((sum, { contents }) => sum + contents.length, 0)
    if (bytes !== this.#bundle.byteLength) return false
    for (const file of files) {
      this.#places.set(file, { from: file.contents.byteOffset, length: file.contents.length })
      Object.defineProperty(file, 'contents', this.#onDemand)
    }
    // PGlite keeps the buffer itself, too: it is left without its bytes.
    this.#bundle.transfer(0)
    return true
  }

  /** The same for all files, so that they share a shape. The bytes of a file that was read once, or written, are kept as before. */
  readonly #onDemand = ((files: EngineFiles): PropertyDescriptor & ThisType<MemoryFile> => ({
    configurable: true,
    enumerable: true,
    get() {
      this.contents = files.#read(this)
      return this.contents
    },
    set(value: Uint8Array) {
      Object.defineProperty(this, 'contents', { value, writable: true, configurable: true, enumerable: true })
    },
  }))(this)

  #read(file: MemoryFile): Uint8Array {
    const { from, length } = this.#places.get(file) ?? { from: 0, length: 0 }
    const bytes = new Uint8Array(length)
    for (let read = 0; read < length; ) {
      const more = readSync(this.#descriptor, bytes, read, length - read, from + read)
      if (more === 0) throw new Error('the files of the database engine are incomplete')
      read += more
    }
    return bytes
  }
}

function* filesBelow({ contents }: MemoryEntry): Generator<MemoryFile> {
  for (const entry of Object.values(contents ?? {}))
    if (entry.contents instanceof Uint8Array) yield entry as MemoryFile
    else yield* filesBelow(entry)
}
