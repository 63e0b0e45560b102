import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

/** What a package-lock says of one installed package. */
export interface LockedPackage {
  /** Where it is installed, such as `node_modules/pg`. */
  path: string
  /** The package, also where it is installed under another name. */
  name: string
  version: string
  license: string | undefined
  integrity: string | undefined
  resolved: string | undefined
  /** Whether it is used for development only. */
  dev: boolean
  /** The systems and processors it is installed on; undefined for all. */
  os: readonly string[] | undefined
  cpu: readonly string[] | undefined
}

type Entry = Partial<Omit<LockedPackage, 'path'>>

/** The packages of a package-lock, without the project itself. */
export function lockedPackages(file = 'package-lock.json'): LockedPackage[] {
  const { packages } = JSON.parse(readFileSync(`${root}${file}`, 'utf8')) as { packages: Record<string, Entry> }
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { name, version = '', license, integrity, resolved, dev = false, os, cpu }]) => ({
      path,
      name: name ?? path.replace(/^.*node_modules\//, ''),
      version,
      license,
      integrity,
      resolved,
      dev,
      os,
      cpu,
    }))
}
