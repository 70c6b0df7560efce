package usage

import "parvis/internal/table"

// Table is what is exported.
type Table = table.Table
