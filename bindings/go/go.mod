module matrixdevices

go 1.24
