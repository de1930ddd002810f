// These files are put into a Dendrite tree by ./install, and built there. This file keeps the go
// command from taking them for a part of the package beside them; it is not copied.
module dendrite-matrix-devices

go 1.21
