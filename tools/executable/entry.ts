import { createClusterProgram } from '../../cli/cluster-program.ts'

// What the executable runs.
void createClusterProgram().parseAsync()
