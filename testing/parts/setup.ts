import type { TestProject } from 'vitest/node'
import { lookUp } from './catalogue.ts'
import { type PartName, type PartState, partNames } from './part.ts'

declare module 'vitest' {
  interface ProvidedContext {
    parts: Record<PartName, PartState>
  }
}

/** Tells every test file which parts are there. Nothing is made here, so that running one file starts at once. */
export default function setup(project: TestProject): void {
  project.provide('parts', Object.fromEntries(partNames.map((name) => [name, lookUp(name)])) as Record<PartName, PartState>)
}
