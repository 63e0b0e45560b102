import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { runCommand } from '../parts/command.ts'

/** The states of an object in Argo CD. */
export type ArgoHealth = 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended'

const settings = (
  parse(readFileSync(new URL('../../examples/argo-cd-health.yaml', import.meta.url), 'utf8')) as {
    data: Readonly<Record<string, string>>
  }
).data
const GROUP = 'comms.decentraland.org'

/** What Argo CD runs for a kind by the example: the scripts of its actions. */
export const actionsOf = (kind: string) =>
  parse(settings[`resource.customizations.actions.${GROUP}_${kind}`] ?? '') as {
    'discovery.lua': string
    definitions: readonly { name: string; 'action.lua': string }[]
  }

/** Tests of actions, in the format in which Argo CD has those of its own (`resource_customizations/`). */
export interface ActionTests {
  discoveryTests: readonly { inputPath: string; result: readonly { name: string; disabled: boolean }[] }[]
  actionTests: readonly { action: string; inputPath: string; expectedOutputPath: string }[]
}

const readAt = (kind: string, path: string) =>
  parse(readFileSync(new URL(`../argo-cd/${kind}/actions/${path}`, import.meta.url), 'utf8'))

/** The tests of the actions of a kind. */
export const actionTestsOf = (kind: string): ActionTests => readAt(kind, 'action_test.yaml')

/** An object of such a test, by the path there. */
export const argoObject = (kind: string, path: string): object => readAt(kind, path)

/** The health of each object by the example. @param lua the interpreter of Argo CD, GopherLua */
export async function argoHealth(lua: string, kind: string, objects: readonly object[]): Promise<ArgoHealth[]> {
  const script = settings[`resource.customizations.health.${GROUP}_${kind}`]
  if (script === undefined) throw new Error(`the example has no health of ${kind}`)
  return (await runOnEach<{ status: ArgoHealth }>(lua, script, objects)).map(({ status }) => status)
}

/** Runs a script once for each object, which it finds as `obj`; returns what it returned. */
export async function runOnEach<Answer>(lua: string, script: string, objects: readonly object[]): Promise<Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'argo-'))
  try {
    const file = join(folder, 'script.lua')
    const calls = objects.map((object) => `print(json(script(${luaOf(object)})))`)
    await writeFile(file, [JSON_IN_LUA, `local function script(obj)\n${script}\nend`, ...calls].join('\n'))
    const output = await runCommand(lua, [file])
    return output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Answer)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Tables print as JSON: with the keys 1 to n as an array, else as an object. */
const JSON_IN_LUA = `
function json(value)
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts, isList = {}, #value > 0
  if isList then for _, each in ipairs(value) do table.insert(parts, json(each)) end
  else for key, each in pairs(value) do table.insert(parts, json(key) .. ":" .. json(each)) end end
  return isList and "[" .. table.concat(parts, ",") .. "]" or "{" .. table.concat(parts, ",") .. "}"
end`

function luaOf(value: unknown): string {
  if (value === undefined || value === null) return 'nil'
  if (Array.isArray(value)) return `{${value.map(luaOf).join(',')}}`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, each]) => `[${luaOf(key)}]=${luaOf(each)}`)
      .join(',')}}`
  // A string of JSON is one of Lua but for \u, which decimal escapes replace.
  return typeof value === 'string'
    ? `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`
    : String(value)
}
