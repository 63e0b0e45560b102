import { readFileSync } from 'node:fs'

const here = import.meta.url
const packageJson = new URL(here.endsWith('.ts') ? '../package.json' : '../../package.json', here)

/** The version of this package. */
export const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string }
