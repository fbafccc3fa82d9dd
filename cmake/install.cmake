# SPDX-License-Identifier: BSL-1.0
# Headers, the CMake package (one targets file per component), arvit.pc and one more .pc a component.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_DATADIR}/cmake/arvit)

install(TARGETS arvit EXPORT arvit FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT arvit NAMESPACE arvit:: FILE arvitTargets.cmake DESTINATION ${package_folder})
foreach(component IN LISTS arvit_components)
  install(TARGETS arvit_${component} EXPORT arvit_${component})
  install(EXPORT arvit_${component} NAMESPACE arvit:: FILE arvit-${component}-targets.cmake DESTINATION ${package_folder})
endforeach()

configure_package_config_file(cmake/arvitConfig.cmake.in arvitConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(arvitConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/arvitConfig.cmake ${PROJECT_BINARY_DIR}/arvitConfigVersion.cmake cmake/arvitComponents.cmake
        DESTINATION ${package_folder})
install(DIRECTORY cmake/modules cmake/compiled DESTINATION ${package_folder})

cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig" OUTPUT_VARIABLE include_from_pc)
configure_file(cmake/arvit.pc.in arvit.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/arvit.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
foreach(arvit_component IN ITEMS io image options)
  set(arvit_pc_requires "${arvit_pc_${arvit_component}}")
  configure_file(cmake/arvit-component.pc.in arvit-${arvit_component}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/arvit-${arvit_component}.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
endforeach()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
