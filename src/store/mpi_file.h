/* What the program, and no other, adds to MPI-IO. */
#ifndef TF_STORE_MPI_FILE_H
#define TF_STORE_MPI_FILE_H

/* For so many seconds reads and writes of metadata that fail are made again. */
void mpi_file_be_patient(double seconds);

#endif
