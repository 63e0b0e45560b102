import { vi } from 'vitest'
import { createCityIslands } from './city-islands.ts'

// Whatever the simple engine is held to, this one is held to as well: the same files, run once more with the other engine behind them.
vi.mock('../grid-islands.ts', () => ({ createGridIslands: createCityIslands }))
await import('../islands.test.ts')
await import('../islands-life.test.ts')
await import('../islands.property.test.ts')
