# What a compiler and a linker can do so that a write beyond its memory ends a process rather than taking it over: checked
# copies, guarded stacks, checked jumps, a program at a random place, and no table of functions that can be written to. For builds
# that are optimized: the others are for debuggers, and checked copies need an optimizer.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

function(harden target)
    set(optimized $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
    foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
        string(MAKE_C_IDENTIFIER "HAS${flag}" known)
        check_c_compiler_flag("-Werror ${flag}" ${known}) # clang takes other processors' flags with a warning
        if(${known})
            target_compile_options(${target} INTERFACE $<${optimized}:${flag}>)
        endif()
    endforeach()
    check_c_compiler_flag("-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3" HAS_FORTIFY_3)
    target_compile_options(${target} INTERFACE
        $<${optimized}:-U_FORTIFY_SOURCE> $<${optimized}:-D_FORTIFY_SOURCE=$<IF:$<BOOL:${HAS_FORTIFY_3}>,3,2>>)
    foreach(flag relro now noexecstack)
        check_linker_flag(C "-Wl,-z,${flag}" HAS_Z_${flag})
        if(HAS_Z_${flag})
            target_link_options(${target} INTERFACE $<${optimized}:-Wl,-z,${flag}>)
        endif()
    endforeach()
endfunction()
