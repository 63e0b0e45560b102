import type { TestProject } from 'vitest/node'
import { lookUp } from './catalogue.ts'
import { type PartName, type PartState, partNames } from './part.ts'

declare module 'vitest' {
  interface ProvidedContext {
    parts: Record<PartName, PartState>
  }
}

/** Provides every test file with the parts that exist. It makes none, so that the run of a single file starts at once. */
export default function setup(project: TestProject): void {
  project.provide('parts', Object.fromEntries(partNames.map((name) => [name, lookUp(name)])) as Record<PartName, PartState>)
}
