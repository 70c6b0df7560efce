// Package packaging holds how Parvis is built, packaged and installed; its tests say how large the programs may be and what the units
// and packages are (docs/adr/0026-packages.md).
package packaging
